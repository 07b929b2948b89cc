/**
 * `info` is YAML, as Podman's. Writing plain data is thirty lines; the libraries (yaml, js-yaml) are there for reading and cost 10 to 20 ms to load.
 */

export function toYaml(value: unknown, indent = ''): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []\n';
    return `\n${value.map((item) => `${indent}-${inline(item, `${indent}  `)}`).join('')}`;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length === 0) return ' {}\n';
    return `\n${entries.map(([key, item]) => `${indent}${scalar(key, '')}:${toYaml(item, isList(item) ? indent : `${indent}  `)}`).join('')}`;
  }
  return ` ${scalar(value, indent)}\n`;
}

function isList(value: unknown): boolean {
  return Array.isArray(value);
}

/** The first key of an object in a list stands on the line of its dash. */
function inline(value: unknown, indent: string): string {
  const text = toYaml(value, indent);
  return text.startsWith('\n') ? ` ${text.slice(1 + indent.length)}` : text;
}

function scalar(value: unknown, indent: string): string {
  if (typeof value !== 'string') return value === null || value === undefined ? 'null' : String(value);
  if (value.includes('\n')) {
    return `|-\n${value
      .replace(/\n+$/, '')
      .split('\n')
      .map((line) => indent + line)
      .join('\n')}`;
  }
  const plain =
    /^[A-Za-z_/][A-Za-z0-9_./+@ ()-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value) && !value.endsWith(' ');
  return plain ? value : JSON.stringify(value);
}
