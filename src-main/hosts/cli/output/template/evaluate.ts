/** Walks the tree of a template over a value. */
import { EngineError } from '../../../../base/errors.ts';
import { CallTrouble, functions, shortCircuits } from './functions.ts';
import type { Command, Node, Operand, Pipeline, Tree } from './parser.ts';
import { formatValue } from './printf.ts';
import { GoFloat, GoTime, isMap, isStruct, isTrue, typeName, type GoMethod } from './values.ts';

/** More text than that comes from a template that calls itself. */
const mostDepth = 200;

/** `break` and `continue` on their way to their loop. */
class LoopJump {
  readonly kind: 'break' | 'continue';
  constructor(kind: 'break' | 'continue') {
    this.kind = kind;
  }
}

interface Variable {
  readonly name: string;
  value: unknown;
}

/** Marks a value that a map has not: it prints as `<no value>`. */
const missing = undefined;

export class Evaluation {
  readonly #name: string;
  readonly #template: string;
  readonly #tree: Tree;
  #output = '';
  #variables: Variable[] = [];
  #depth = 0;

  constructor(name: string, template: string, tree: Tree) {
    this.#name = name;
    this.#template = template;
    this.#tree = tree;
  }

  run(data: unknown): string {
    this.#variables = [{ name: '$', value: data }];
    this.#walk(this.#tree.nodes, data);
    return this.#output;
  }

  #walk(nodes: readonly Node[], dot: unknown): LoopJump | undefined {
    const scope = this.#variables.length;
    for (const node of nodes) {
      const jump = this.#node(node, dot);
      if (jump) {
        this.#variables.length = scope;
        return jump;
      }
    }
    this.#variables.length = scope;
    return undefined;
  }

  #node(node: Node, dot: unknown): LoopJump | undefined {
    switch (node.kind) {
      case 'text':
        this.#output += node.text;
        return undefined;
      case 'action': {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.variables.length === 0) this.#output += value === missing || value === null ? '<no value>' : formatValue(value);
        return undefined;
      }
      case 'if':
      case 'with':
        return this.#branch(node, dot);
      case 'range':
        return this.#range(node, dot);
      case 'template':
        this.#invoke(node, dot);
        return undefined;
      default:
        return new LoopJump(node.kind);
    }
  }

  #branch(node: Extract<Node, { kind: 'if' | 'with' | 'range' }>, dot: unknown): LoopJump | undefined {
    const scope = this.#variables.length;
    const value = this.#pipeline(node.pipeline, dot);
    const jump = isTrue(value) ? this.#walk(node.then, node.kind === 'with' ? value : dot) : this.#walk(node.otherwise, dot);
    this.#variables.length = scope;
    return jump;
  }

  #range(node: Extract<Node, { kind: 'if' | 'with' | 'range' }>, dot: unknown): LoopJump | undefined {
    const scope = this.#variables.length;
    const { pipeline } = node;
    const value = this.#pipeline({ ...pipeline, variables: [] }, dot);
    const items = this.#items(value, pipeline);
    if (items.length === 0) return this.#walk(node.otherwise, dot);
    for (const [key, item] of items) {
      const [first, second] = pipeline.variables;
      if (pipeline.declares || first === undefined) {
        if (first !== undefined) this.#variables.push({ name: first, value: second === undefined ? item : key });
        if (second !== undefined) this.#variables.push({ name: second, value: item });
      } else {
        this.#assign(first, second === undefined ? item : key);
        if (second !== undefined) this.#assign(second, item);
      }
      const jump = this.#walk(node.then, item);
      this.#variables.length = scope;
      if (jump?.kind === 'break') break;
    }
    return undefined;
  }

  #items(value: unknown, pipeline: Pipeline): [unknown, unknown][] {
    if (value === null || value === missing) return [];
    if (Array.isArray(value)) return value.map((item, index): [unknown, unknown] => [index, item]);
    if (isMap(value)) return [...value].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    const last = pipeline.commands.at(-1);
    throw this.#trouble(last?.at ?? pipeline.at, last?.source ?? '', `range can't iterate over ${formatValue(value)}`);
  }

  #invoke(node: Extract<Node, { kind: 'template' }>, dot: unknown): void {
    const nodes = this.#tree.definitions.get(node.name);
    if (!nodes) throw this.#trouble(node.at, node.source, `template ${JSON.stringify(node.name)} not defined`);
    if (++this.#depth > mostDepth) throw this.#trouble(node.at, node.source, 'exceeded maximum template depth');
    const data = node.pipeline ? this.#pipeline(node.pipeline, dot) : null;
    const outer = this.#variables;
    this.#variables = [{ name: '$', value: data }];
    this.#walk(nodes, data);
    this.#variables = outer;
    this.#depth--;
  }

  #pipeline(pipeline: Pipeline, dot: unknown): unknown {
    let value: unknown;
    pipeline.commands.forEach((command, index) => {
      value = this.#command(command, dot, index === 0 ? [] : [value]);
    });
    for (const name of pipeline.variables) {
      if (pipeline.declares) this.#variables.push({ name, value });
      else this.#assign(name, value);
    }
    return value;
  }

  #assign(name: string, value: unknown): void {
    const variable = this.#variables.findLast((candidate) => candidate.name === name);
    if (variable) variable.value = value;
  }

  /** @param piped the result of the command before, its last argument */
  #command(command: Command, dot: unknown, piped: readonly unknown[]): unknown {
    const [first, ...rest] = command.words;
    if (!first) return null;
    if (first.kind === 'function') return this.#call(first, rest, command, dot, piped);
    const values = (): unknown[] => [...rest.map((word) => this.#operand(word, dot)), ...piped];
    if (first.kind === 'nil') throw this.#trouble(first.at, first.source, 'nil is not a command');
    const given = rest.length + piped.length;
    if (given === 0) return this.#operand(first, dot);
    if (first.kind === 'field' || first.kind === 'variable') {
      const target = this.#path(this.#base(first, dot), first.path.slice(0, -1), first);
      const method = first.path.length > 0 ? methodOf(target, first.path.at(-1) ?? '') : undefined;
      if (method) return method(...values());
      const name = first.path.at(-1) ?? first.source;
      this.#operand(first, dot);
      throw this.#trouble(first.at, first.source, `${name} has arguments but cannot be invoked as function`);
    }
    throw this.#trouble(first.at, first.source, `can't give argument to non-function ${first.source}`);
  }

  #call(
    callee: Extract<Operand, { kind: 'function' }>,
    words: readonly Operand[],
    command: Command,
    dot: unknown,
    piped: readonly unknown[],
  ): unknown {
    const given = words.length + piped.length;
    if (shortCircuits.has(callee.name)) {
      if (given === 0) throw this.#trouble(callee.at, callee.source, `wrong number of args for ${callee.name}: want at least 1 got 0`);
      return this.#shortCircuit(callee.name === 'and', words, dot, piped);
    }
    const called = functions.get(callee.name);
    if (!called) throw this.#trouble(callee.at, callee.source, `"${callee.name}" is not a defined function`);
    if (given < called.least || given > called.most) {
      const wanted = called.most === called.least ? String(called.least) : `at least ${called.least}`;
      throw this.#trouble(callee.at, callee.source, `wrong number of args for ${callee.name}: want ${wanted} got ${given}`);
    }
    const values = [...words.map((word) => this.#operand(word, dot)), ...piped];
    try {
      return called.call(values);
    } catch (error) {
      if (error instanceof CallTrouble) throw this.#trouble(command.at, command.source, `error calling ${callee.name}: ${error.message}`);
      throw error;
    }
  }

  #shortCircuit(all: boolean, words: readonly Operand[], dot: unknown, piped: readonly unknown[]): unknown {
    let value: unknown = null;
    for (const word of words) {
      value = this.#operand(word, dot);
      if (isTrue(value) !== all) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #operand(operand: Operand, dot: unknown): unknown {
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'literal':
        return literal(operand.value);
      case 'function': {
        const command: Command = { words: [operand], at: operand.at, source: operand.source };
        return this.#call(operand, [], command, dot, []);
      }
      default:
        return this.#path(this.#base(operand, dot), operand.path, operand);
    }
  }

  #base(operand: Extract<Operand, { kind: 'field' | 'variable' | 'pipeline' }>, dot: unknown): unknown {
    if (operand.kind === 'field') return dot;
    if (operand.kind === 'pipeline') {
      const scope = this.#variables.length;
      const value = this.#pipeline(operand.pipeline, dot);
      this.#variables.length = scope;
      return value;
    }
    return this.#variables.findLast((variable) => variable.name === operand.name)?.value;
  }

  #path(base: unknown, path: readonly string[], at: { readonly at: number; readonly source: string }): unknown {
    let value = base;
    for (const name of path) value = this.#field(value, name, at);
    return value;
  }

  #field(value: unknown, name: string, at: { readonly at: number; readonly source: string }): unknown {
    const method = methodOf(value, name);
    if (method) return method();
    if (isMap(value)) return value.get(name);
    if (isStruct(value) && Object.hasOwn(value, name)) return value[name];
    if (value === null || value === missing) throw this.#trouble(at.at, at.source, `nil pointer evaluating interface {}.${name}`);
    throw this.#trouble(at.at, at.source, `can't evaluate field ${name} in type ${typeName(value)}`);
  }

  #trouble(at: number, source: string, message: string): EngineError {
    const before = this.#template.slice(0, at);
    const line = before.split('\n').length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1));
    const shown = source.length > 20 && source.startsWith('{{') ? `${source.slice(0, 20)}...` : source;
    return new EngineError(
      'invalid-argument',
      `template: ${this.#name}:${line}:${column}: executing "${this.#name}" at <${shown}>: ${message}`,
    );
  }
}

function methodOf(value: unknown, name: string): GoMethod | undefined {
  if (value instanceof GoTime) return value.method(name);
  if (!isStruct(value) || !Object.hasOwn(value, name)) return undefined;
  const field = value[name];
  return typeof field === 'function' ? (field as GoMethod) : undefined;
}

/** Numbers come from the parser as text: whether there is a fraction decides their type. */
function literal(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('number' in value)) return value;
  const text = String(value.number).replace(/_/g, '');
  const negative = text.startsWith('-');
  const digits = text.replace(/^[+-]/, '');
  const legacyOctal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const size = Number(legacyOctal);
  const signed = negative ? -size : size;
  // Go takes 1e3 for an integer too where one is wanted: it is one.
  return /^0[xXbBoO]/.test(digits) || !digits.includes('.')
    ? Number.isInteger(signed)
      ? signed
      : new GoFloat(signed)
    : new GoFloat(signed);
}
