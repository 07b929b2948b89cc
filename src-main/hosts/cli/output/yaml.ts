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
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return 'null';
  if (value.includes('\n')) {
    return `|-\n${value
      .replace(/\n+$/, '')
      .split('\n')
      .map((line) => indent + line)
      .join('\n')}`;
  }
  // A plain word must not be taken for a number, a boolean, or the beginning of something else.
  if (/^(true|false|null|yes|no|on|off|y|n|~|[-+]?[\d_]*\.?[\d_]*(e[-+]?\d+)?|0x[\da-f]+)?$/i.test(value)) return JSON.stringify(value);
  const plain = /^[A-Za-z0-9_/+(][^\n]*$/.test(value) && !/: |:$| #|\s$/.test(value);
  return plain ? value : `'${value.replace(/'/g, "''")}'`;
}
