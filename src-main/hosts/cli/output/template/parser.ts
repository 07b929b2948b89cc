/** From tokens to a tree. Shapes and messages follow text/template/parse. */
import { SyntaxTrouble, tokenize, type Token, type TokenKind } from './lexer.ts';

export type Operand =
  | { readonly kind: 'dot'; readonly at: number; readonly source: string }
  | { readonly kind: 'nil'; readonly at: number; readonly source: string }
  | { readonly kind: 'literal'; readonly value: unknown; readonly at: number; readonly source: string }
  | { readonly kind: 'field'; readonly path: readonly string[]; readonly at: number; readonly source: string }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[]; readonly at: number; readonly source: string }
  | { readonly kind: 'function'; readonly name: string; readonly at: number; readonly source: string }
  | {
      readonly kind: 'pipeline';
      readonly pipeline: Pipeline;
      readonly path: readonly string[];
      readonly at: number;
      readonly source: string;
    };

export interface Command {
  readonly words: readonly Operand[];
  readonly at: number;
  readonly source: string;
}

export interface Pipeline {
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly commands: readonly Command[];
  readonly at: number;
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly then: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'break' | 'continue' }
  | {
      readonly kind: 'template';
      readonly name: string;
      readonly pipeline: Pipeline | undefined;
      readonly at: number;
      readonly source: string;
    };

export interface Tree {
  readonly nodes: readonly Node[];
  readonly definitions: ReadonlyMap<string, readonly Node[]>;
}

/** @param isFunction names that may be called */
export function parseTemplate(template: string, isFunction: (name: string) => boolean): Tree {
  return new Parser(template, tokenize(template), isFunction).run();
}

type Ending = 'end' | 'else' | 'eof';

class Parser {
  readonly #template: string;
  readonly #tokens: readonly Token[];
  readonly #isFunction: (name: string) => boolean;
  readonly #definitions = new Map<string, readonly Node[]>();
  #variables: string[] = ['$'];
  #loops = 0;
  #next = 0;

  constructor(template: string, tokens: readonly Token[], isFunction: (name: string) => boolean) {
    this.#template = template;
    this.#tokens = tokens;
    this.#isFunction = isFunction;
  }

  run(): Tree {
    const { nodes, ending, at } = this.#list(true);
    if (ending !== 'eof') throw new SyntaxTrouble(`unexpected {{${ending}}}`, at);
    return { nodes, definitions: this.#definitions };
  }

  #list(top: boolean): { nodes: Node[]; ending: Ending; at: number; elseWord?: 'if' | 'with' } {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#take();
      if (token.kind === 'end') {
        if (!top) throw new SyntaxTrouble('unexpected EOF', token.at);
        return { nodes, ending: 'eof', at: token.at };
      }
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text });
        continue;
      }
      const word = this.#skipSpace();
      if (word.kind === 'word' && (word.text === 'end' || word.text === 'else')) {
        this.#take();
        if (word.text === 'end') {
          this.#close('end');
          return { nodes, ending: 'end', at: word.at };
        }
        const then = this.#skipSpace();
        if (then.kind === 'word' && (then.text === 'if' || then.text === 'with')) {
          this.#take();
          return { nodes, ending: 'else', at: word.at, elseWord: then.text };
        }
        this.#close('else');
        return { nodes, ending: 'else', at: word.at };
      }
      nodes.push(...this.#action(word, top));
    }
  }

  #action(word: Token, top: boolean): Node[] {
    if (word.kind === 'word') {
      switch (word.text) {
        case 'if':
        case 'with':
        case 'range':
          this.#take();
          return [this.#control(word.text)];
        case 'break':
        case 'continue':
          this.#take();
          this.#close(word.text);
          if (this.#loops === 0) throw new SyntaxTrouble(`{{${word.text}}} outside {{range}}`, word.at);
          return [{ kind: word.text }];
        case 'define':
          if (!top) throw new SyntaxTrouble('unexpected <define> in command', word.at);
          this.#take();
          this.#define();
          return [];
        case 'block':
          this.#take();
          return [this.#block(word)];
        case 'template':
          this.#take();
          return [this.#invocation()];
        default:
      }
    }
    const pipeline = this.#pipeline('command', 'close');
    return [{ kind: 'action', pipeline }];
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    const scope = this.#variables.length;
    const pipeline = this.#pipeline(kind, 'close', kind === 'range');
    if (kind === 'range') this.#loops++;
    const first = this.#list(false);
    if (kind === 'range') this.#loops--;
    let otherwise: Node[] = [];
    if (first.ending === 'else') {
      if (first.elseWord !== undefined) {
        // {{else if}} is an if of its own that takes the {{end}}.
        otherwise = [this.#control(first.elseWord)];
      } else {
        const second = this.#list(false);
        if (second.ending === 'else') throw new SyntaxTrouble('expected end; found {{else}}', second.at);
        otherwise = second.nodes;
      }
    }
    this.#variables.length = scope;
    return { kind, pipeline, then: first.nodes, otherwise };
  }

  #define(): void {
    const name = this.#name('define');
    this.#close('define');
    const outer = this.#variables;
    this.#variables = ['$'];
    const body = this.#list(false);
    this.#variables = outer;
    if (body.ending === 'else') throw new SyntaxTrouble('unexpected {{else}} in define clause', body.at);
    this.#definitions.set(name, body.nodes);
  }

  #block(word: Token): Node {
    const name = this.#name('block');
    const pipeline = this.#pipeline('block', 'close');
    const outer = this.#variables;
    this.#variables = ['$'];
    const body = this.#list(false);
    this.#variables = outer;
    if (body.ending === 'else') throw new SyntaxTrouble('unexpected {{else}} in block clause', body.at);
    if (!this.#definitions.has(name)) this.#definitions.set(name, body.nodes);
    return { kind: 'template', name, pipeline, at: word.at, source: `{{template ${JSON.stringify(name)}}}` };
  }

  #invocation(): Node {
    const at = this.#skipSpace().at;
    const name = this.#name('template');
    const next = this.#skipSpace();
    const source = `{{template ${JSON.stringify(name)}}}`;
    if (next.kind === 'close') {
      this.#take();
      return { kind: 'template', name, pipeline: undefined, at, source };
    }
    return { kind: 'template', name, pipeline: this.#pipeline('template', 'close'), at, source };
  }

  #name(context: string): string {
    const token = this.#skipSpace();
    if (token.kind !== 'string') throw new SyntaxTrouble(`unexpected ${describe(token)} in ${context} clause`, token.at);
    this.#take();
    return token.text;
  }

  #pipeline(context: string, closing: TokenKind, inRange = false): Pipeline {
    const at = this.#skipSpace().at;
    const { variables, declares } = this.#declaration(inRange);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (token.kind === closing) {
        this.#take();
        if (commands.length === 0) throw new SyntaxTrouble(`missing value for ${context}`, token.at);
        if (declares) this.#variables.push(...variables);
        return { variables, declares, commands, at };
      }
      commands.push(this.#command(context, closing));
    }
  }

  #declaration(inRange: boolean): { variables: string[]; declares: boolean } {
    const start = this.#next;
    const names: string[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (token.kind !== 'variable') break;
      this.#take();
      names.push(token.text);
      const next = this.#skipSpace();
      if (next.kind === 'declare' || next.kind === 'assign') {
        this.#take();
        const declares = next.kind === 'declare';
        if (names.length > (inRange ? 2 : 1)) throw new SyntaxTrouble('too many declarations', next.at);
        if (!declares) for (const name of names) this.#checkVariable(name, token.at);
        return { variables: names, declares };
      }
      if (next.kind !== 'comma' || !inRange) break;
      this.#take();
    }
    this.#next = start;
    return { variables: [], declares: false };
  }

  #command(context: string, closing: TokenKind): Command {
    const words: Operand[] = [];
    const at = this.#peek().at;
    for (;;) {
      const token = this.#skipSpace();
      if (token.kind === closing || token.kind === 'pipe') break;
      words.push(this.#operand(context));
      const after = this.#peek();
      if (after.kind === 'space' || after.kind === closing || after.kind === 'pipe') continue;
      throw new SyntaxTrouble(`unexpected ${describe(after)} in operand`, after.at);
    }
    const source = this.#template.slice(at, this.#peek().at).trim().replace(/\s+/g, ' ');
    const end = this.#peek();
    if (words.length === 0) throw new SyntaxTrouble('empty command', at);
    if (end.kind === 'pipe') {
      this.#take();
      const next = this.#skipSpace();
      if (next.kind === closing || next.kind === 'pipe') throw new SyntaxTrouble(`missing value for ${context}`, next.at);
    }
    return { words, at, source };
  }

  #operand(context: string): Operand {
    const token = this.#take();
    const base = { at: token.at, source: token.source };
    switch (token.kind) {
      case 'dot':
        return { kind: 'dot', ...base };
      case 'string':
        return { kind: 'literal', value: token.text, ...base };
      case 'char':
        return { kind: 'literal', value: token.text.codePointAt(0) ?? 0, ...base };
      case 'number':
        return { kind: 'literal', value: { number: token.text }, ...base };
      case 'field':
        return { kind: 'field', ...this.#path(token) };
      case 'variable':
        this.#checkVariable(token.text, token.at);
        return { kind: 'variable', name: token.text, ...this.#path(token) };
      case 'lparen':
        return this.#parenthesis(token);
      case 'word':
        return this.#word(token);
      default:
        throw new SyntaxTrouble(`unexpected ${describe(token)} in ${context}`, token.at);
    }
  }

  #word(token: Token): Operand {
    const base = { at: token.at, source: token.source };
    if (token.text === 'true' || token.text === 'false') return { kind: 'literal', value: token.text === 'true', ...base };
    if (token.text === 'nil') return { kind: 'nil', ...base };
    if (['if', 'else', 'end', 'range', 'with', 'define', 'block', 'template'].includes(token.text))
      throw new SyntaxTrouble(`unexpected <${token.text}> in command`, token.at);
    if (!this.#isFunction(token.text)) throw new SyntaxTrouble(`function "${token.text}" not defined`, token.at);
    return { kind: 'function', name: token.text, ...base };
  }

  #parenthesis(open: Token): Operand {
    const pipeline = this.#pipeline('parenthesized pipeline', 'rparen');
    const path: string[] = [];
    for (let token = this.#peek(); token.kind === 'field'; token = this.#peek()) path.push(this.#take().text.slice(1));
    return { kind: 'pipeline', pipeline, path, at: open.at, source: this.#template.slice(open.at, this.#peek().at) };
  }

  /** Chained fields: .A.B, $x.A. Go places the node at the first chained field. */
  #path(first: Token): { path: string[]; at: number; source: string } {
    const path = first.kind === 'field' ? [first.text.slice(1)] : [];
    let at = first.at;
    let source = first.source;
    for (let token = this.#peek(); token.kind === 'field'; token = this.#peek()) {
      if (source === first.source) at = token.at;
      source += token.source;
      path.push(this.#take().text.slice(1));
    }
    return { path, at, source };
  }

  #checkVariable(name: string, at: number): void {
    if (!this.#variables.includes(name)) throw new SyntaxTrouble(`undefined variable "${name}"`, at);
  }

  #close(context: string): void {
    const token = this.#skipSpace();
    if (token.kind !== 'close') throw new SyntaxTrouble(`unexpected ${describe(token)} in ${context}`, token.at);
    this.#take();
  }

  #peek(): Token {
    const token = this.#tokens[Math.min(this.#next, this.#tokens.length - 1)];
    if (!token) throw new SyntaxTrouble('unexpected EOF', 0);
    return token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #skipSpace(): Token {
    while (this.#peek().kind === 'space') this.#next++;
    return this.#peek();
  }
}

function describe(token: Token): string {
  if (token.kind === 'end') return 'EOF';
  return token.kind === 'word' ? `<${token.source}>` : `"${token.source}"`;
}
