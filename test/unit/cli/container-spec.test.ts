import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { EngineError } from '../../../src-main/base/errors.ts';
import { containerSpec, type ContainerSpec } from '../../../src-main/contract/container-spec.ts';
import { containerFlags, runOnlyFlags, unsupportedContainerFlags } from '../../../src-main/hosts/cli/options/container-flags.ts';
import { toContainerSpec } from '../../../src-main/hosts/cli/options/container-spec.ts';
import { parseFlags } from '../../../src-main/hosts/cli/options/parse.ts';

const around = { environment: { HOSTVAR: 'v' }, workingDirectory: '/work', commandLine: ['selkie', 'run'] };

/** Through the contract's own schema: what it does not know would be refused. */
function spec(line: string): ContainerSpec {
  const table = { ...containerFlags, ...runOnlyFlags };
  const parsed = parseFlags(table, line.split(' '), { command: 'run', interspersed: false, unsupported: unsupportedContainerFlags });
  return v.parse(containerSpec, toContainerSpec(parsed.flags, parsed.positionals, around));
}

describe('run and create', () => {
  test('the shortest line has only defaults', () => {
    expect(spec('alpine')).toEqual(v.parse(containerSpec, { image: 'alpine', createCommand: ['selkie', 'run'] }));
  });

  test('a line from a tutorial', () => {
    expect(
      spec('-d --name web -p 8080:80 -e A=b -e HOSTVAR -v data:/data -v /etc:/host:ro --restart on-failure:3 nginx:1 nginx -g x'),
    ).toMatchObject({
      image: 'nginx:1',
      command: ['nginx', '-g', 'x'],
      name: 'web',
      ports: [{ hostIp: '', hostPort: 8080, containerPort: 80, range: 1, protocol: 'tcp' }],
      environment: ['A=b', 'HOSTVAR=v'],
      mounts: [
        { type: 'volume', source: 'data', target: '/data', readOnly: false },
        { type: 'bind', source: '/etc', target: '/host', readOnly: true },
      ],
      restartPolicy: { name: 'on-failure', maximumRetries: 3 },
    });
  });

  test('limits', () => {
    const { resources, ulimits, shmSizeBytes } = spec(
      '-m 64m --memory-swap -1 --memory-reservation 32m --cpus 1.5 --cpuset-cpus 0-1 --cpuset-mems 0 -c 512 --pids-limit -1 --oom-score-adj -5 --oom-kill-disable --blkio-weight 100 --ulimit nofile=10:20,nproc=5 --shm-size 1m x',
    );
    expect(resources).toEqual({
      memoryBytes: 67_108_864,
      memorySwapBytes: -1,
      memoryReservationBytes: 33_554_432,
      cpus: 1.5,
      cpuShares: 512,
      cpusetCpus: '0-1',
      cpusetMems: '0',
      pidsLimit: -1,
      oomKillDisable: true,
      oomScoreAdj: -5,
      blkioWeight: 100,
    });
    expect(ulimits).toEqual([
      { name: 'nofile', soft: 10, hard: 20 },
      { name: 'nproc', soft: 5, hard: 5 },
    ]);
    expect(shmSizeBytes).toBe(1_048_576);
  });

  test('isolation', () => {
    expect(
      spec(
        '--privileged --cap-add NET_ADMIN,SYS_TIME --cap-drop all --security-opt seccomp=unconfined --device /dev/fuse --read-only --read-only-tmpfs=false --sysctl net.a=1 --pid host --ipc private --uts host --cgroupns private --userns host --umask 077 x',
      ),
    ).toMatchObject({
      privileged: true,
      capAdd: ['NET_ADMIN', 'SYS_TIME'],
      capDrop: ['all'],
      securityOptions: ['seccomp=unconfined'],
      devices: ['/dev/fuse'],
      readOnlyRootfs: true,
      readOnlyTmpfs: false,
      sysctls: ['net.a=1'],
      pid: 'host',
      ipc: 'private',
      uts: 'host',
      cgroupns: 'private',
      umask: '077',
    });
  });

  test('process, network and the rest', () => {
    expect(
      spec(
        '-it --rm --init -u 1:2 -w /x -h host --entrypoint ["sh","-c"] --network slirp4netns:mtu=1500,allow_host_loopback=true --dns 1.1.1.1 --dns-opt a --dns-search b --add-host h:1.2.3.4 --expose 80-81 -P --group-add wheel --stop-signal INT --stop-timeout 3 --timeout 9 --log-driver json-file --log-opt max-size=1m --label a=b --annotation c=d --pull never --arch arm64 --variant v8 --detach-keys ctrl-x x',
      ),
    ).toMatchObject({
      tty: true,
      interactive: true,
      remove: true,
      init: true,
      user: '1:2',
      workingDirectory: '/x',
      hostname: 'host',
      entrypoint: ['sh', '-c'],
      network: { mode: 'slirp4netns', options: ['mtu=1500', 'allow_host_loopback=true'] },
      dnsServers: ['1.1.1.1'],
      dnsOptions: ['a'],
      dnsSearch: ['b'],
      addHosts: ['h:1.2.3.4'],
      expose: ['80/tcp', '81/tcp'],
      publishAll: true,
      groupAdd: ['wheel'],
      stopSignal: 'INT',
      stopTimeoutSeconds: 3,
      timeoutSeconds: 9,
      logDriver: 'k8s-file',
      logMaxSizeBytes: 1_048_576,
      labels: { a: 'b' },
      annotations: { c: 'd' },
      pullPolicy: 'never',
      platform: 'linux/arm64/v8',
      detachKeys: 'ctrl-x',
    });
  });

  test('an empty entrypoint clears the image’s, a word replaces it', () => {
    expect(spec('--entrypoint= x').entrypoint).toEqual([]);
    expect(spec('--entrypoint [ x').entrypoint).toEqual(['[']);
  });

  test.each([
    ['--rm --restart always x', '--rm and --restart cannot be set together'],
    ['--restart foo x', '"foo" is not a valid restart policy'],
    ['--restart always:3 x', 'only on-failure takes a number'],
    ['--cpus 1 --cpu-quota 5 x', '--cpus and --cpu-quota cannot be set together'],
    ['--memory-swap 1m x', '--memory has to be set too'],
    ['-m 2m --memory-swap 1m x', 'is less than --memory'],
    ['--blkio-weight 5 x', 'it goes from 10 to 1000'],
    ['--oom-score-adj 2000 x', 'it goes from -1000 to 1000'],
    ['--pull sometimes x', 'unsupported pull policy "sometimes"'],
    ['--platform linux/arm64 --arch arm64 x', 'can not be specified with --arch'],
    ['--log-driver foo x', 'invalid log driver "foo"'],
  ])('%s is refused', (line, words) => {
    expect(() => spec(line)).toThrow(words);
    expect(() => spec(line)).toThrow(EngineError);
  });

  test.each([
    '--network mynet x',
    '--network container:a x',
    '--network host --network none x',
    '--ipc container:a x',
    '--log-driver journald x',
    '--log-opt tag=a x',
    '--pod p x',
    '--health-cmd true x',
    '--volumes-from a x',
    '--systemd=always x',
  ])('%s is refused as not supported, not ignored', (line) => {
    try {
      spec(line);
    } catch (error) {
      expect(error).toMatchObject({ code: 'unsupported' });
      return;
    }
    throw new Error('it was accepted');
  });
});
