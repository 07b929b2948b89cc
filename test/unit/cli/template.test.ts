import { describe, expect, test } from 'vitest';
import { EngineError } from '../../../src-main/base/errors.ts';
import { compileRows, normalizeFormat, renderReport } from '../../../src-main/hosts/cli/output/report.ts';
import {
  compileTemplate,
  GoFloat,
  goMap,
  GoTime,
  nilMap,
  nilSlice,
  struct,
  toJson,
} from '../../../src-main/hosts/cli/output/template/template.ts';

/** What podman 4.3.1 printed for these templates over `podman inspect` of such a container. */
const container = struct('interface {}', {
  Id: '2e9a3ee7e682',
  Name: 'br',
  Image: 'e102d1b0e6f6',
  Created: new GoTime(Date.UTC(2026, 10, 24, 5, 50, 49, 875)),
  State: struct('*define.InspectContainerState', {
    Status: 'running',
    Running: true,
    Paused: false,
    Pid: 9595,
    FinishedAt: new GoTime(undefined),
    Health: struct('define.HealthCheckResults', { Status: '', FailingStreak: 0, Log: nilSlice }),
  }),
  Mounts: [
    struct('define.InspectMount', { Type: 'volume', Name: 'vol1', Destination: '/data', Options: ['nosuid', 'rbind'], RW: true }),
    struct('define.InspectMount', { Type: 'bind', Name: '', Destination: '/host', Options: ['rbind'], RW: false }),
  ],
  NetworkSettings: struct('*define.InspectNetworkSettings', {
    Ports: goMap({
      '9000/tcp': [struct('define.InspectHostPort', { HostIp: '', HostPort: '9000' })],
      '80/tcp': [struct('define.InspectHostPort', { HostIp: '127.0.0.1', HostPort: '8081' })],
    }),
  }),
  Config: struct('*define.InspectContainerConfig', {
    Env: ['PATH=/bin', 'TERM=xterm'],
    Cmd: ['sleep', '3001'],
    Hostname: '2e9a3ee7e682',
    Image: 'localhost/bb:latest',
    Labels: goMap({ 'a.b': 'c' }),
    Volumes: nilMap,
  }),
  HostConfig: struct('*define.InspectContainerHostConfig', {
    Memory: 67_108_864,
    MemorySwappiness: -1,
    Dns: [],
    Links: nilSlice,
    Ulimits: [struct('define.InspectUlimit', { Name: 'RLIMIT_NOFILE', Soft: 1024, Hard: 1024 })],
  }),
});

function render(template: string): string {
  return compileRows('inspect', template).execute([container]).replace(/\n$/, '');
}

describe('templates print what Podman prints', () => {
  test.each([
    ['{{.Name}} {{.State.Status}}', 'br running'],
    ['{{json .State.Health}}', '{"Status":"","FailingStreak":0,"Log":null}'],
    ['{{json .Config.Labels}} {{.Config.Labels}}', '{"a.b":"c"} map[a.b:c]'],
    ['{{index .Config.Labels "a.b"}}|{{index .Config.Labels "nope"}}|{{.Config.Labels.nope}}', 'c||<no value>'],
    ['{{.Config.Env}}', '[PATH=/bin TERM=xterm]'],
    ['{{range .Config.Env}}{{println .}}{{end}}', 'PATH=/bin\nTERM=xterm\n'],
    ['{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}', '0=PATH=/bin;1=TERM=xterm;'],
    ['{{range $k, $v := .NetworkSettings.Ports}}{{$k}} -> {{(index $v 0).HostPort}} {{end}}', '80/tcp -> 8081 9000/tcp -> 9000 '],
    ['{{len .Mounts}} {{len .Name}}', '2 2'],
    ['{{printf "%-10s|%5d|%q" .Name .State.Pid .Image}}', 'br        | 9595|"e102d1b0e6f6"'],
    ['{{printf "%v %v" .Config.Cmd .HostConfig.Memory}}', '[sleep 3001] 67108864'],
    ['{{if .State.Running}}up{{else}}down{{end}}', 'up'],
    ['{{if and .State.Running (eq .Name "br")}}yes{{end}}', 'yes'],
    ['{{if or false .State.Paused "x"}}yes{{else}}no{{end}}', 'yes'],
    ['{{with .Config.Hostname}}h={{.}}{{end}}', 'h=2e9a3ee7e682'],
    ['{{with $x := .Config}}{{$x.Image}}{{end}}', 'localhost/bb:latest'],
    ['{{with .State.Paused}}a{{else}}b{{end}}', 'b'],
    ['{{.State.Pid | printf "%d" | len}}', '4'],
    ['{{join .Config.Cmd ","}} {{index .Config.Cmd 1}}', 'sleep,3001 3001'],
    ['{{upper .Name}} {{title "abc def"}} {{lower "ABC"}} {{split "a,b" ","}}', 'BR Abc Def abc [a b]'],
    ['{{.Config.Volumes}} {{.HostConfig.Links}}', 'map[] []'],
    ['{{not .State.Running}}', 'false'],
    ['{{eq .HostConfig.Memory 67108864}} {{lt 1 2}} {{gt 1 2}} {{le 2 2}} {{ge 1 2}} {{ne "a" "b"}}', 'true true false true false true'],
    ['{{.Created}} {{.State.FinishedAt}}', '2026-11-24 05:50:49.875 +0000 UTC 0001-01-01 00:00:00 +0000 UTC'],
    ['{{json .Created}}', '"2026-11-24T05:50:49.875Z"'],
    ['{{print 1 2 "a" "b" 3}}|{{print "a" 1 2 "b"}}', '1 2ab3|a1 2b'],
    ['{{- .Name -}} x', 'brx'],
    ['a {{- .Name -}} b', 'abrb'],
    ['{{/* c */}}x', 'x'],
    ['{{html "<a&\'\\">"}} {{urlquery "a b&c"}} {{js "it\'s <b>"}}', "&lt;a&amp;&#39;&#34;&gt; a+b%26c it\\'s \\u003Cb\\u003E"],
    ["{{1.5}} {{1e3}} {{0x10}} {{1_000}} {{-3}} {{true}} {{'a'}}", '1.5 1000 16 1000 -3 true 97'],
    ['{{printf "%+v" .State.Health}}', '{Status: FailingStreak:0 Log:[]}'],
    ['{{.NetworkSettings.Ports}}', 'map[80/tcp:[{127.0.0.1 8081}] 9000/tcp:[{ 9000}]]'],
    ['{{range .Config.Labels}}{{.}}{{end}}{{$x := 1}}{{$x = 2}}{{$x}}', 'c2'],
    ['{{block "b" .Name}}B{{.}}{{end}}', 'Bbr'],
    ['{{range $i, $e := .Config.Cmd}}{{if $i}}{{break}}{{end}}{{$e}}{{end}}', 'sleep'],
    ['{{range .HostConfig.Dns}}x{{else}}none{{end}}', 'none'],
    ['{{printf "%s" .Config.Cmd}} {{printf "%q" .Config.Cmd}}', '[sleep 3001] ["sleep" "3001"]'],
    [
      '{{printf "%d" "a"}} {{printf "%d"}} {{printf "x" 1}} {{printf "%s" 5}} {{printf "%z" 1}}',
      '%!d(string=a) %!d(MISSING) x%!(EXTRA int=1) %!s(int=5) %!z(int=1)',
    ],
    ['{{printf "%5.2f|%e|%g|%v" 3.14159 1234.5 0.00001 1e21}}', ' 3.14|1.234500e+03|1e-05|1e+21'],
    ['{{printf "%t %x %X %o %b %c %U %08.3f %+d" true 255 "hi" 8 5 65 65 3.14159 5}}', 'true ff 6869 10 101 A U+0041 0003.142 +5'],
    ['{{printf "%*d" 5 1}} {{printf "%[2]s %[1]s" "a" "b"}}', '    1 b a'],
    ['{{.HostConfig.Ulimits}}', '[{RLIMIT_NOFILE 1024 1024}]'],
    ['{{pad "x" 2 3}}|{{truncate "abcdef" 3}}', '  x   |abc'],
    ['{{and 1 0 2}} {{or 0 "" 3}}', '0 3'],
    ['{{.Name | upper | printf "%s-%s" "a"}}', 'a-BR'],
    ['{{if eq .Name "a" "br"}}one{{else if eq 1 1}}two{{end}}', 'one'],
    ['{{if eq .Name "a"}}one{{else if eq 1 1}}two{{else}}three{{end}}', 'two'],
    ['{{.State.Health.Log}} {{json .State.Health.Log}} {{len .State.Health.Log}}', '[] null 0'],
    ['{{printf "%v" nil}} {{.HostConfig.MemorySwappiness}}', '<nil> -1'],
    ['{{"quoted \\"x\\""}}', 'quoted "x"'],
    ['{{.Name}}\\t{{.Id}}', 'br\t2e9a3ee7e682'],
  ])('%s', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  test.each([
    ['{{.Nope}}', 'template: inspect:1:13: executing "inspect" at <.Nope>: can\'t evaluate field Nope in type interface {}'],
    [
      '{{print .Config.Nope}}',
      'template: inspect:1:26: executing "inspect" at <.Config.Nope>: can\'t evaluate field Nope in type *define.InspectContainerConfig',
    ],
    ['{{.Name.Foo}}', 'template: inspect:1:18: executing "inspect" at <.Name.Foo>: can\'t evaluate field Foo in type string'],
    ['{{.A.B.C}}', 'template: inspect:1:15: executing "inspect" at <.A.B.C>: can\'t evaluate field A in type interface {}'],
    [
      '{{index .Config.Cmd 5}}',
      'template: inspect:1:13: executing "inspect" at <index .Config.Cmd 5>: error calling index: index out of range: 5',
    ],
    [
      '{{index .Config.Cmd "a"}}',
      'template: inspect:1:13: executing "inspect" at <index .Config.Cmd "a">: error calling index: cannot index slice/array with type string',
    ],
    ['{{eq .Name 1}}', 'template: inspect:1:13: executing "inspect" at <eq .Name 1>: error calling eq: incompatible types for comparison'],
    ['{{eq 1 1.0}}', 'template: inspect:1:13: executing "inspect" at <eq 1 1.0>: error calling eq: incompatible types for comparison'],
    ['{{lt .State 1}}', 'template: inspect:1:13: executing "inspect" at <lt .State 1>: error calling lt: invalid type for comparison'],
    ['{{len 3}}', 'template: inspect:1:13: executing "inspect" at <len 3>: error calling len: len of type int'],
    ['{{join .Config.Cmd}}', 'template: inspect:1:13: executing "inspect" at <join>: wrong number of args for join: want 2 got 1'],
    ['{{range 3}}x{{end}}', 'template: inspect:1:19: executing "inspect" at <3>: range can\'t iterate over 3'],
    ['{{.Name "x"}}', 'template: inspect:1:13: executing "inspect" at <.Name>: Name has arguments but cannot be invoked as function'],
    ['{{3 | .Name}}', 'template: inspect:1:17: executing "inspect" at <.Name>: Name has arguments but cannot be invoked as function'],
    ['{{template "none"}}', 'template: inspect:1:22: executing "inspect" at <{{template "none"}}>: template "none" not defined'],
    ['{{nil}}', 'template: inspect:1:13: executing "inspect" at <nil>: nil is not a command'],
    ['{{call .Name}}', 'template: inspect:1:13: executing "inspect" at <call .Name>: error calling call: non-function of type string'],
    ['{{foo .Name}}', 'template: inspect:1: function "foo" not defined'],
    ['{{"x" | foo}}', 'template: inspect:1: function "foo" not defined'],
    ['{{if .Name}}x', 'template: inspect:1: unexpected EOF'],
    ['{{end}}', 'template: inspect:1: unexpected {{end}}'],
    ['{{if}}{{end}}', 'template: inspect:1: missing value for if'],
    ['{{$y}}', 'template: inspect:1: undefined variable "$y"'],
    ['{{"unterminated}}', 'template: inspect:1: unterminated quoted string'],
    ['{{.Name', 'template: inspect:1: unclosed action'],
  ])('%s fails as in Podman', (template, message) => {
    expect(() => render(template)).toThrow(EngineError);
    expect(() => render(template)).toThrow(message);
  });

  test('a template that calls itself ends', () => {
    expect(() => compileTemplate('x', '{{define "a"}}{{template "a"}}{{end}}{{template "a"}}').execute(null)).toThrow(
      /maximum template depth/,
    );
  });

  test('floats are not integers', () => {
    const data = struct('x', { Half: new GoFloat(0.5), Zero: new GoFloat(0), Small: new GoFloat(0.000012) });
    expect(compileTemplate('x', '{{.Half}} {{.Zero}} {{.Small}} {{printf "%T %.1f" .Half .Zero}}').execute(data)).toBe(
      '0.5 0 1.2e-05 float64 0.0',
    );
    expect(toJson(data)).toBe('{"Half":0.5,"Zero":0,"Small":0.000012}');
  });

  test('names of the language’s own objects are no fields', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'length']) {
      expect(() => render(`{{.${name}}}`)).toThrow(/can't evaluate field/);
      expect(() => render(`{{.Config.${name}}}`)).toThrow(/can't evaluate field/);
      expect(render(`{{.Config.Labels.${name}}}`)).toBe('<no value>');
      expect(() => render(`{{.Name.${name}}}`)).toThrow(/can't evaluate field/);
    }
  });

  test('any text ends in a result or in an EngineError', () => {
    const pieces = [
      '{{',
      '}}',
      ' ',
      '.',
      '.Name',
      '$',
      '$x',
      ':=',
      '=',
      ',',
      '|',
      '(',
      ')',
      '"',
      '`',
      "'",
      'if',
      'else',
      'end',
      'range',
      'with',
      'index',
      'printf',
      '"%d"',
      '"%*v"',
      '1',
      '-',
      '/*',
      '*/',
      'define',
      'block',
      'nil',
      'eq',
      '.Config.Cmd',
      '.Mounts',
      '\n',
      'é',
      'break',
      'template',
      '"t"',
    ];
    let seed = 11;
    const random = (most: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor(seed / 65536) % most;
    };
    let rendered = 0;
    for (let round = 0; round < 4000; round++) {
      const inner = Array.from({ length: 1 + random(8) }, () => pieces[random(pieces.length)]).join(random(2) === 0 ? ' ' : '');
      const text = random(3) === 0 ? inner : `{{${inner}}}`;
      try {
        render(text);
        rendered++;
      } catch (error) {
        expect(error, text).toBeInstanceOf(EngineError);
        expect((error as Error).message).not.toContain('\n    at ');
      }
    }
    expect(rendered).toBeGreaterThan(50);
  });
});

describe('reports', () => {
  const rows = [struct('r', { ID: 'd51a263cbf6f', Names: 'web' }), struct('r', { ID: '2e9a3ee7e682', Names: 'br' })];
  const headings = new Map([
    ['ID', 'CONTAINER ID'],
    ['Names', 'NAMES'],
  ]);
  const report = (format: string, noHeading = false): string => renderReport({ name: 'ps', rows, format, headings, noHeading });

  test.each([
    ['{{.ID}} {{.Names}}', 'd51a263cbf6f web\n2e9a3ee7e682 br\n'],
    ['{{.ID}}\\t{{.Names}}', 'd51a263cbf6f\tweb\n2e9a3ee7e682\tbr\n'],
    ['table {{.ID}} {{.Names}}', 'CONTAINER ID  NAMES\nd51a263cbf6f  web\n2e9a3ee7e682  br\n'],
    ['table {{.ID}}\\t{{.Names}}', 'CONTAINER ID  NAMES\nd51a263cbf6f  web\n2e9a3ee7e682  br\n'],
    ['table {{lower .ID}}', 'container id\nd51a263cbf6f\n2e9a3ee7e682\n'],
    ['table {{.ID}}:{{.Names}}', 'CONTAINER ID:NAMES\nd51a263cbf6f:web\n2e9a3ee7e682:br\n'],
    [
      'table {{.Names}} x {{.ID}}',
      'NAMES       x           CONTAINER ID\nweb         x           d51a263cbf6f\nbr          x           2e9a3ee7e682\n',
    ],
    ['{{range .}}{{.ID}} {{end}}', 'd51a263cbf6f 2e9a3ee7e682 \n'],
    ['table', 'table\ntable\n'],
    ['table {{printf "%s of" .ID}} {{.Names}}', 'CONTAINER ID of  NAMES\nd51a263cbf6f of  web\n2e9a3ee7e682 of  br\n'],
  ])('%s', (format, expected) => {
    expect(report(format)).toBe(expected);
  });

  test('without a heading', () => {
    expect(report('table {{.ID}} {{.Names}}', true)).toBe('d51a263cbf6f  web\n2e9a3ee7e682  br\n');
    expect(normalizeFormat('table {{.A}}\\n')).toEqual({ row: '{{.A}}\n', table: true });
  });

  test('an unknown field is an error, with the column that Podman names', () => {
    expect(() => report('{{.Foo}}')).toThrow('template: ps:1:13: executing "ps" at <.Foo>: can\'t evaluate field Foo in type r');
  });
});
