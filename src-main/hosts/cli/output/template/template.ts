/**
 * Go's text/template, as far as `--format` goes. Why own code: no npm library of it is maintained (looked at in 2026-11).
 *
 * - Actions, pipelines, variables, if/else if/with/range/break/continue, define/template/block, comments, trim markers,
 *   text/template's functions, and Podman's: json, join, split, lower, upper, title, pad, truncate.
 * - Errors are one line in Go's shape: `template: ps:1:13: executing "ps" at <.Foo>: can't evaluate field Foo in type …`.
 *
 * Not here: `call` (there are no functions among the values), `%#v`, complex numbers.
 */
import { Evaluation } from './evaluate.ts';
import { functions, shortCircuits } from './functions.ts';
import { SyntaxTrouble, templateError } from './lexer.ts';
import { parseTemplate, type Tree } from './parser.ts';

export { GoFloat, GoTime, goMap, nilMap, nilSlice, struct, toJson, toPlain, type GoStruct } from './values.ts';

export interface Template {
  execute(data: unknown): string;
}

/** @param name the command's, for error messages */
export function compileTemplate(name: string, text: string): Template {
  const tree = parse(name, text);
  return { execute: (data) => new Evaluation(name, text, tree).run(data) };
}

function parse(name: string, text: string): Tree {
  try {
    return parseTemplate(text, (word) => functions.has(word) || shortCircuits.has(word));
  } catch (error) {
    if (error instanceof SyntaxTrouble) throw templateError(name, text, error);
    throw error;
  }
}
