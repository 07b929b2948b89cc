/** Tokens of Go's text/template. */
import { EngineError } from '../../../../base/errors.ts';

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'field'
  | 'variable'
  | 'word'
  | 'number'
  | 'char'
  | 'string'
  | 'pipe'
  | 'declare'
  | 'assign'
  | 'comma'
  | 'lparen'
  | 'rparen'
  | 'dot'
  | 'space'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As it stands in the template; of a string or char its value. */
  readonly text: string;
  readonly at: number;
  readonly source: string;
}

export class SyntaxTrouble extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

export function tokenize(template: string): Token[] {
  return new Lexer(template).run();
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

class Lexer {
  readonly #template: string;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(template: string) {
    this.#template = template;
  }

  run(): Token[] {
    while (this.#at < this.#template.length) this.#text();
    this.#add('end', this.#at, '');
    return this.#tokens;
  }

  #text(): void {
    const start = this.#at;
    const open = this.#template.indexOf('{{', start);
    const end = open < 0 ? this.#template.length : open;
    let text = this.#template.slice(start, end);
    if (this.#trimNext) text = text.trimStart();
    this.#trimNext = false;
    const trims = open >= 0 && /^-[ \t\r\n]/.test(this.#template.slice(open + 2, open + 4));
    if (trims) text = text.replace(/[ \t\r\n]+$/, '');
    if (text !== '') this.#add('text', start, text);
    this.#at = end;
    if (open < 0) return;
    this.#at = open + (trims ? 3 : 2);
    const inner = /^[ \t\r\n]*\/\*/.exec(this.#template.slice(this.#at));
    if (inner) this.#comment(this.#at + inner[0].length);
    else this.#action(open);
  }

  #trimNext = false;

  #comment(from: number): void {
    const close = this.#template.indexOf('*/', from);
    if (close < 0) throw new SyntaxTrouble('unclosed comment', from);
    const rest = /^(?:([ \t\r\n]-)|)\}\}/.exec(this.#template.slice(close + 2));
    if (!rest) throw new SyntaxTrouble('comment ends before closing delimiter', close);
    this.#trimNext = rest[1] !== undefined;
    this.#at = close + 2 + rest[0].length;
  }

  #action(open: number): void {
    this.#add('open', open, '{{');
    let depth = 0;
    for (;;) {
      const rest = this.#template.slice(this.#at);
      const close = /^(?:[ \t\r\n]+-)?\}\}/.exec(rest);
      if (close) {
        if (depth > 0) throw new SyntaxTrouble('unclosed left paren', this.#at);
        this.#trimNext = close[0].length > 2;
        this.#add('close', this.#at, '}}');
        this.#at += close[0].length;
        return;
      }
      if (rest === '') throw new SyntaxTrouble('unclosed action', open);
      const token = this.#item(rest);
      if (token === 'lparen') depth++;
      if (token === 'rparen' && --depth < 0) throw new SyntaxTrouble('unexpected right paren', this.#at);
    }
  }

  #item(rest: string): TokenKind {
    for (const [kind, pattern] of patterns) {
      const match = pattern.exec(rest);
      if (!match) continue;
      const text = match[0];
      const at = this.#at;
      this.#at += text.length;
      if (kind === 'string') this.#tokens.push({ kind, text: this.#unquote(text, at), at, source: text });
      else if (kind === 'char') this.#tokens.push({ kind, text: this.#unquote(text, at), at, source: text });
      else this.#add(kind, at, text);
      return kind;
    }
    if (/^["']/.test(rest))
      throw new SyntaxTrouble(rest.startsWith('"') ? 'unterminated quoted string' : 'unterminated character constant', this.#at);
    if (rest.startsWith('`')) throw new SyntaxTrouble('unterminated raw quoted string', this.#at);
    const point = rest.codePointAt(0) ?? 0;
    const code = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
    throw new SyntaxTrouble(`unrecognized character in action: ${code} '${String.fromCodePoint(point)}'`, this.#at);
  }

  #unquote(text: string, at: number): string {
    if (text.startsWith('`')) return text.slice(1, -1);
    return text.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|[\s\S])/g, (_, escape: string) => {
      if (/^[xuU]./.test(escape)) {
        const point = Number.parseInt(escape.slice(1), 16);
        if (point <= 0x10ffff) return String.fromCodePoint(point);
      } else if (/^[0-7]{3}$/.test(escape)) return String.fromCharCode(Number.parseInt(escape, 8));
      else if (Object.hasOwn(escapes, escape)) return escapes[escape] ?? '';
      throw new SyntaxTrouble(`invalid escape \\${escape} in ${text}`, at);
    });
  }

  #add(kind: TokenKind, at: number, text: string): void {
    this.#tokens.push({ kind, text, at, source: text });
  }
}

/** The first that fits wins. */
const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', /^[ \t\r\n]+/],
  ['declare', /^:=/],
  ['assign', /^=/],
  ['pipe', /^\|/],
  ['comma', /^,/],
  ['lparen', /^\(/],
  ['rparen', /^\)/],
  ['string', /^(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`)/],
  ['char', /^'(?:[^'\\\n]|\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.))'/u],
  ['number', /^[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)(?![\w.])/],
  ['field', /^\.[\p{L}_][\p{L}\p{N}_]*/u],
  ['variable', /^\$(?:[\p{L}_][\p{L}\p{N}_]*)?/u],
  ['word', /^[\p{L}_][\p{L}\p{N}_]*/u],
  ['dot', /^\./],
];

/** An error in the text of a template: one line, Go's shape. */
export function templateError(name: string, template: string, trouble: SyntaxTrouble): EngineError {
  const line = template.slice(0, trouble.at).split('\n').length;
  return new EngineError('invalid-argument', `template: ${name}:${line}: ${trouble.message}`);
}
