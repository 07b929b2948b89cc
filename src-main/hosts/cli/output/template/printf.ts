/** Go's fmt: print, println and printf over the values of values.ts. */
import { GoFloat, GoTime, isMap, isStruct, typeName } from './values.ts';

/** %v, or %+v with `plus`. */
export function formatValue(value: unknown, plus = false): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof GoFloat) return formatFloat(value.value);
  if (value instanceof GoTime) return value.toString();
  if (Array.isArray(value)) return `[${value.map((item) => formatValue(item, plus)).join(' ')}]`;
  if (isMap(value)) {
    const items = Array.from(value, ([key, item]): [string, unknown] => [formatValue(key, plus), item]).sort(([a], [b]) =>
      a < b ? -1 : 1,
    );
    return `map[${items.map(([key, item]) => `${key}:${formatValue(item, plus)}`).join(' ')}]`;
  }
  if (isStruct(value)) {
    const fields = Object.entries(value).filter(([, item]) => typeof item !== 'function');
    return `{${fields.map(([key, item]) => (plus ? `${key}:` : '') + formatValue(item, plus)).join(' ')}}`;
  }
  return '';
}

/** %v of a float64: shortest, with an exponent below 1e-4 and from 1e21 on. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e21)) return goExponent(value.toExponential());
  return String(value);
}

/** At least two digits. */
function goExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Blanks stand between operands when neither is a string. */
export function sprint(values: readonly unknown[]): string {
  let text = '';
  values.forEach((value, index) => {
    if (index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string') text += ' ';
    text += formatValue(value);
  });
  return text;
}

export function sprintln(values: readonly unknown[]): string {
  return `${values.map((value) => formatValue(value)).join(' ')}\n`;
}

interface Verb {
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly letter: string;
}

const directive = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(?:\[(\d+)\])?([a-zA-Z%!])?/y;

export function sprintf(format: string, values: readonly unknown[]): string {
  let text = '';
  let next = 0;
  let reordered = false;
  for (let at = 0; at < format.length; ) {
    const percent = format.indexOf('%', at);
    if (percent < 0) {
      text += format.slice(at);
      break;
    }
    text += format.slice(at, percent);
    directive.lastIndex = percent;
    const match = directive.exec(format);
    at = percent + (match?.[0].length ?? 1);
    const letter = match?.[5];
    if (!match || letter === undefined) {
      text += '%!(NOVERB)';
      continue;
    }
    if (letter === '%') {
      text += '%';
      continue;
    }
    const star = (word: string | undefined): number | undefined => {
      if (word !== '*') return word === undefined ? undefined : Number(word);
      const value = values[next++];
      return typeof value === 'number' ? value : undefined;
    };
    const width = star(match[2]);
    const precision = star(match[3]);
    if (match[4] !== undefined) {
      next = Number(match[4]) - 1;
      reordered = true;
    }
    if (next >= values.length) {
      text += match[4] === undefined ? `%!${letter}(MISSING)` : `%!${letter}(BADINDEX)`;
      continue;
    }
    text += formatVerb({ flags: match[1] ?? '', width, precision, letter }, values[next++]);
  }
  if (!reordered && next < values.length) {
    const extra = values.slice(next).map((value) => (value === null ? '<nil>' : `${typeName(value)}=${formatValue(value)}`));
    text += `%!(EXTRA ${extra.join(', ')})`;
  }
  return text;
}

function formatVerb(verb: Verb, value: unknown): string {
  if (verb.letter === 'T') return pad(verb, typeName(value));
  if (verb.letter === 'v') {
    const plus = verb.flags.includes('+');
    if (typeof value === 'number') return pad(verb, integer(verb, value, 10));
    return pad(verb, verb.flags.includes('#') && typeof value === 'string' ? quote(value) : formatValue(value, plus));
  }
  // A composite value is formatted item by item with the same verb.
  if (Array.isArray(value) && !(verb.letter === 's' && value.length === 0))
    return `[${value.map((item) => formatVerb(verb, item)).join(' ')}]`;
  const text = scalarVerb(verb, value);
  if (text !== undefined) return pad(verb, text);
  const shown = value === null || value === undefined ? '<nil>' : `${typeName(value)}=${formatValue(value)}`;
  return `%!${verb.letter}(${shown})`;
}

function scalarVerb(verb: Verb, value: unknown): string | undefined {
  if (typeof value === 'string') return stringVerb(verb, value);
  if (typeof value === 'number') return integerVerb(verb, value);
  if (value instanceof GoFloat) return floatVerb(verb, value.value);
  if (typeof value === 'boolean') return verb.letter === 't' ? String(value) : undefined;
  if (value instanceof GoTime && verb.letter === 's') return value.toString();
  if (isMap(value) && ['s', 'd', 'q'].includes(verb.letter)) {
    const items = Array.from(value, ([key, item]) => `${formatVerb(verb, key)}:${formatVerb(verb, item)}`);
    return `map[${items.sort().join(' ')}]`;
  }
  if (isStruct(value) && ['s', 'd', 'q'].includes(verb.letter))
    return `{${Object.values(value)
      .map((item) => formatVerb(verb, item))
      .join(' ')}}`;
  return undefined;
}

function stringVerb(verb: Verb, value: string): string | undefined {
  const cut = verb.precision === undefined ? value : Array.from(value).slice(0, verb.precision).join('');
  switch (verb.letter) {
    case 's':
      return cut;
    case 'q':
      return verb.flags.includes('#') && !cut.includes('`') ? `\`${cut}\`` : quote(cut);
    case 'x':
    case 'X': {
      const hex = Buffer.from(cut).toString('hex');
      return verb.letter === 'X' ? hex.toUpperCase() : hex;
    }
    default:
      return undefined;
  }
}

/** A Go string literal. */
export function quote(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    '\x07': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
  };
  const body = text.replace(/["\\\p{C}]/gu, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    const point = character.codePointAt(0) ?? 0;
    if (escapes[character] !== undefined) return escapes[character];
    if (point < 0x80) return `\\x${point.toString(16).padStart(2, '0')}`;
    return point > 0xffff ? `\\U${point.toString(16).padStart(8, '0')}` : `\\u${point.toString(16).padStart(4, '0')}`;
  });
  return `"${body}"`;
}

const radixes: Readonly<Record<string, number>> = { d: 10, x: 16, X: 16, o: 8, b: 2 };

function integerVerb(verb: Verb, value: number): string | undefined {
  const radix = radixes[verb.letter];
  if (radix !== undefined) return integer(verb, value, radix);
  if (verb.letter === 'c' && value >= 0 && value <= 0x10ffff) return String.fromCodePoint(value);
  if (verb.letter === 'q' && value >= 0 && value <= 0x10ffff) return `'${String.fromCodePoint(value)}'`;
  if (verb.letter === 'U') return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
  return undefined;
}

function integer(verb: Verb, value: number, radix: number): string {
  let digits = Math.abs(value).toString(radix);
  if (verb.letter === 'X') digits = digits.toUpperCase();
  if (verb.precision !== undefined) digits = digits.padStart(verb.precision, '0');
  if (verb.flags.includes('#')) digits = `${{ x: '0x', X: '0X', o: '0', b: '0b' }[verb.letter] ?? ''}${digits}`;
  return `${sign(verb, value)}${digits}`;
}

function sign(verb: Verb, value: number): string {
  if (value < 0 || Object.is(value, -0)) return '-';
  if (verb.flags.includes('+')) return '+';
  return verb.flags.includes(' ') ? ' ' : '';
}

function floatVerb(verb: Verb, value: number): string | undefined {
  const size = Math.abs(value);
  const prefix = sign(verb, value);
  switch (verb.letter) {
    case 'f':
    case 'F':
      return prefix + size.toFixed(Math.min(verb.precision ?? 6, 100));
    case 'e':
      return prefix + goExponent(size.toExponential(Math.min(verb.precision ?? 6, 100)));
    case 'E':
      return prefix + goExponent(size.toExponential(Math.min(verb.precision ?? 6, 100))).toUpperCase();
    case 'g':
      return prefix + general(size, verb.precision);
    case 'G':
      return prefix + general(size, verb.precision).toUpperCase();
    default:
      return undefined;
  }
}

function general(size: number, precision: number | undefined): string {
  if (precision === undefined) return formatFloat(size);
  const digits = Math.max(1, Math.min(precision, 100));
  const exponent = size === 0 ? 0 : Number(size.toExponential(digits - 1).split('e')[1]);
  const text = exponent < -4 || exponent >= digits ? size.toExponential(digits - 1) : size.toPrecision(digits);
  return goExponent(text.includes('.') ? text.replace(/\.?0+(e|$)/, '$1') : text);
}

function pad(verb: Verb, text: string): string {
  const width = Math.abs(verb.width ?? 0);
  const length = Array.from(text).length;
  if (length >= width || width > 10_000) return text;
  const blanks = ' '.repeat(width - length);
  if (verb.flags.includes('-') || (verb.width ?? 0) < 0) return text + blanks;
  if (!verb.flags.includes('0') || !/^[-+ ]?\d/.test(text)) return blanks + text;
  const lead = /^[-+ ]/.exec(text)?.[0] ?? '';
  return lead + '0'.repeat(width - length) + text.slice(lead.length);
}
