/**
 * Go values in JavaScript, as far as templates can tell them apart.
 *
 * | Go | here |
 * |---|---|
 * | struct | a plain object; its type's name is for error messages |
 * | map | Map |
 * | slice | array; nilSlice for one that is JSON null |
 * | int | number; float64: GoFloat |
 * | string, bool, nil | string, boolean, null |
 * | time.Time | GoTime |
 */

const typeNameKey = Symbol('type name');

/** A value of a method, computed when it is asked for: it takes arguments. */
export type GoMethod = (...args: readonly unknown[]) => unknown;

export class GoFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A moment, to the millisecond; undefined is Go's zero time. */
export class GoTime {
  readonly ms: number | undefined;
  constructor(ms: number | undefined) {
    this.ms = ms;
  }

  /** RFC 3339, as encoding/json writes it. */
  toJson(): string {
    if (this.ms === undefined) return '0001-01-01T00:00:00Z';
    return new Date(this.ms).toISOString().replace(/\.?0+Z$/, 'Z');
  }

  toString(): string {
    if (this.ms === undefined) return '0001-01-01 00:00:00 +0000 UTC';
    return `${this.toJson().replace('T', ' ').slice(0, -1)} +0000 UTC`;
  }

  /** Of time.Time's methods those that scripts use. */
  method(name: string): GoMethod | undefined {
    const ms = this.ms ?? Date.UTC(0, 0, 1) - 0;
    if (name === 'Unix') return () => Math.floor(ms / 1000);
    if (name === 'UnixMilli') return () => ms;
    if (name === 'IsZero') return () => this.ms === undefined;
    if (name === 'String') return () => this.toString();
    return undefined;
  }
}

/** Frozen, so that comparing by identity is safe. */
export const nilSlice: readonly unknown[] = Object.freeze([]);
export const nilMap: ReadonlyMap<string, unknown> = new Map();

export type GoStruct = Readonly<Record<string, unknown>>;

/** Gives a plain object the name of a Go type. */
export function struct(typeName: string, fields: GoStruct): GoStruct {
  return Object.defineProperty({ ...fields }, typeNameKey, { value: typeName });
}

export function goMap(record: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

export function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  return value instanceof Map;
}

export function isStruct(value: unknown): value is GoStruct {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isMap(value) && !isScalarObject(value);
}

function isScalarObject(value: object): boolean {
  return value instanceof GoFloat || value instanceof GoTime;
}

/** As %T prints it. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'int';
  if (value instanceof GoFloat) return 'float64';
  if (value instanceof GoTime) return 'time.Time';
  if (Array.isArray(value)) return value.length > 0 && value.every((item) => typeof item === 'string') ? '[]string' : '[]interface {}';
  if (isMap(value)) return [...value.values()].every((item) => typeof item === 'string') ? 'map[string]string' : 'map[string]interface {}';
  const name: unknown = (value as { [typeNameKey]?: unknown })[typeNameKey];
  return typeof name === 'string' ? name : 'struct {}';
}

/** text/template's truth: false, 0, nil, and empty strings, slices and maps are false; structs are true. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === '') return false;
  if (value instanceof GoFloat) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return isMap(value) ? value.size > 0 : true;
}

/** What encoding/json makes of it, as a plain value for JSON.stringify. */
export function toPlain(value: unknown): unknown {
  if (value === nilSlice || value === nilMap || value === undefined) return null;
  if (value instanceof GoFloat) return value.value;
  if (value instanceof GoTime) return value.toJson();
  if (Array.isArray(value)) return value.map(toPlain);
  if (isMap(value)) return Object.fromEntries(Array.from(value, ([key, item]) => [String(key), toPlain(item)]));
  if (isStruct(value)) {
    const fields = Object.entries(value).filter(([, item]) => typeof item !== 'function');
    return Object.fromEntries(fields.map(([key, item]) => [key, toPlain(item)]));
  }
  return value;
}

/** @param indent number of blanks; without it one line */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(toPlain(value), undefined, indent);
}
