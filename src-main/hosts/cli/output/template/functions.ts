/** What a template may call: text/template's own functions and those that Podman adds. */
import { formatValue, sprint, sprintf, sprintln } from './printf.ts';
import { GoFloat, GoTime, isMap, isStruct, isTrue, nilSlice, toJson, typeName } from './values.ts';

/** Its message stands behind `error calling NAME:`. */
export class CallTrouble extends Error {}

export interface TemplateFunction {
  readonly least: number;
  /** Infinity: variadic. */
  readonly most: number;
  call(values: readonly unknown[]): unknown;
}

function fixed(count: number, call: (...values: unknown[]) => unknown): TemplateFunction {
  return { least: count, most: count, call: (values) => call(...values) };
}

function variadic(least: number, call: (values: readonly unknown[]) => unknown): TemplateFunction {
  return { least, most: Number.POSITIVE_INFINITY, call };
}

/** `and` and `or` stop early: evaluate.ts knows them itself. */
export const shortCircuits = new Set(['and', 'or']);

export const functions: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries({
    call: variadic(1, ([value]) => {
      throw new CallTrouble(`non-function of type ${typeName(value)}`);
    }),
    eq: variadic(1, equals),
    ge: fixed(2, (a, b) => !less(a, b)),
    gt: fixed(2, (a, b) => less(b, a)),
    html: variadic(0, (values) => joined(values).replace(/[&<>"'\0]/g, (sign) => htmlEscapes[sign] ?? sign)),
    index: variadic(1, ([item, ...keys]) => keys.reduce(indexOne, item)),
    join: fixed(2, (list, separator) => strings(list).join(string(separator))),
    js: variadic(0, (values) => joined(values).replace(/[\\'"<>&=\n\r\t\0-\x1f]/g, escapeScript)),
    json: fixed(1, (value) => toJson(value)),
    le: fixed(2, (a, b) => !less(b, a)),
    len: fixed(1, length),
    lower: fixed(1, (text) => string(text).toLowerCase()),
    lt: fixed(2, less),
    ne: fixed(2, (a, b) => !equals([a, b])),
    not: fixed(1, (value) => !isTrue(value)),
    pad: fixed(3, (text, before, after) =>
      string(text) === '' ? '' : ' '.repeat(count(before)) + string(text) + ' '.repeat(count(after)),
    ),
    print: variadic(0, sprint),
    printf: variadic(1, ([format, ...values]) => sprintf(string(format), values)),
    println: variadic(0, sprintln),
    slice: variadic(1, sliceOf),
    split: fixed(2, (text, separator) => string(text).split(string(separator))),
    title: fixed(1, (text) => string(text).replace(/(?<![\p{L}\p{N}_'])\p{L}/gu, (letter) => letter.toUpperCase())),
    truncate: fixed(2, (text, most) => string(text).slice(0, count(most))),
    upper: fixed(1, (text) => string(text).toUpperCase()),
    urlquery: variadic(0, (values) =>
      encodeURIComponent(joined(values))
        .replace(/%20/g, '+')
        .replace(/[!'()*]/g, escapePercent),
    ),
  } satisfies Record<string, TemplateFunction>),
);

const htmlEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\uFFFD',
};

function escapePercent(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;
}

function escapeScript(sign: string): string {
  if (sign === '\\' || sign === "'" || sign === '"') return `\\${sign}`;
  return `\\u${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function joined(values: readonly unknown[]): string {
  const [only] = values;
  return values.length === 1 && typeof only === 'string' ? only : sprint(values);
}

function string(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new CallTrouble(`wrong type for value; expected string; got ${typeName(value)}`);
}

function strings(value: unknown): string[] {
  if (Array.isArray(value)) return value.map((item) => (typeof item === 'string' ? item : formatValue(item)));
  throw new CallTrouble(`wrong type for value; expected []string; got ${typeName(value)}`);
}

function count(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1_000_000) return value;
  throw new CallTrouble(`wrong type for value; expected int; got ${typeName(value)}`);
}

type BasicKind = 'string' | 'int' | 'float' | 'bool' | 'time';

function basicKind(value: unknown): BasicKind {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'int';
  if (typeof value === 'boolean') return 'bool';
  if (value instanceof GoFloat) return 'float';
  if (value instanceof GoTime) return 'time';
  throw new CallTrouble('invalid type for comparison');
}

function plain(value: unknown): string | number | boolean {
  if (value instanceof GoFloat) return value.value;
  if (value instanceof GoTime) return value.ms ?? Number.NEGATIVE_INFINITY;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : '';
}

function equals([first, ...others]: readonly unknown[]): boolean {
  if (others.length === 0) throw new CallTrouble('missing argument for comparison');
  return others.some((other) => {
    if (first === null || other === null) return first === other;
    if (basicKind(first) !== basicKind(other)) throw new CallTrouble('incompatible types for comparison');
    return plain(first) === plain(other);
  });
}

function less(a: unknown, b: unknown): boolean {
  const kind = basicKind(a);
  if (kind === 'bool') throw new CallTrouble('invalid type for comparison');
  if (kind !== basicKind(b)) throw new CallTrouble('incompatible types for comparison');
  return plain(a) < plain(b);
}

function length(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) return value.size;
  if (value === null || value === undefined) throw new CallTrouble('len of nil pointer');
  throw new CallTrouble(`len of type ${typeName(value)}`);
}

function position(value: unknown, size: number, bound: number): number {
  if (typeof value !== 'number') throw new CallTrouble(`cannot index slice/array with type ${typeName(value)}`);
  if (value < 0 || value > bound || (bound === size - 1 && value >= size)) throw new CallTrouble(`index out of range: ${value}`);
  return value;
}

function indexOne(item: unknown, key: unknown): unknown {
  if (Array.isArray(item)) return item[position(key, item.length, item.length - 1)] as unknown;
  if (typeof item === 'string') {
    const bytes = Buffer.from(item);
    return bytes[position(key, bytes.length, bytes.length - 1)];
  }
  if (isMap(item)) {
    if (typeof key !== 'string') throw new CallTrouble(`value has type ${typeName(key)}; should be string`);
    return item.has(key) ? item.get(key) : zeroOfItems(item);
  }
  if (item === null || item === undefined) throw new CallTrouble('index of nil pointer');
  throw new CallTrouble(`can't index item of type ${typeName(item)}`);
}

/** A missing key of a map of strings is the empty string; of other maps nil. */
function zeroOfItems(map: ReadonlyMap<unknown, unknown>): unknown {
  const [sample] = map.values();
  if (sample === undefined || typeof sample === 'string') return '';
  return Array.isArray(sample) ? nilSlice : null;
}

function sliceOf([item, ...bounds]: readonly unknown[]): unknown {
  if (bounds.length > 3) throw new CallTrouble(`too many slice indexes: ${bounds.length}`);
  if (typeof item === 'string') {
    if (bounds.length === 3) throw new CallTrouble('cannot 3-index slice a string');
    const bytes = Buffer.from(item);
    const [from, to] = range(bounds, bytes.length);
    return bytes.subarray(from, to).toString();
  }
  if (!Array.isArray(item)) {
    if (isStruct(item) || isMap(item)) throw new CallTrouble(`can't slice item of type ${typeName(item)}`);
    throw new CallTrouble(`slice of ${item === null || item === undefined ? 'untyped nil' : typeName(item)}`);
  }
  const [from, to] = range(bounds, item.length);
  return item.slice(from, to);
}

function range(bounds: readonly unknown[], size: number): [number, number] {
  const from = bounds[0] === undefined ? 0 : position(bounds[0], size, size);
  const to = bounds[1] === undefined ? size : position(bounds[1], size, size);
  if (from > to) throw new CallTrouble(`invalid slice index: ${from} > ${to}`);
  return [from, to];
}
