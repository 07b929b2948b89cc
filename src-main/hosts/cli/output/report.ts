/** `--format` of the commands that print a list: JSON, a table, or a template for each row. */
import { alignColumns } from './table.ts';
import { compileTemplate, type GoStruct, type Template } from './template/template.ts';

export interface ReportOptions {
  /** The command's, for error messages. */
  readonly name: string;
  readonly rows: readonly GoStruct[];
  /** What the user gave, or the command's own. */
  readonly format: string;
  /** Field → heading. */
  readonly headings: ReadonlyMap<string, string>;
  readonly noHeading?: boolean;
}

/** Podman takes `json`, `{{json .}}` and `{{ json . }}` for: the whole list as JSON. */
export function isJsonFormat(format: string | undefined): boolean {
  return format !== undefined && /^\s*(json|\{\{\s*json\s*(\.)?\s*\}\})\s*$/.test(format);
}

export function renderReport(options: ReportOptions): string {
  const { name, rows } = options;
  const { table } = normalizeFormat(options.format);
  const template = compileRows(name, options.format);
  if (!table) return template.execute(rows);
  const heading = options.noHeading === true ? '' : template.execute([options.headings]);
  return alignColumns(heading + template.execute(rows));
}

const rangesOverList = /^\s*\{\{-?\s*range\s+(?:\$\w*(?:\s*,\s*\$\w*)?\s*:=\s*)?\.\s*-?\}\}/;

/** A template that is executed over a list, row by row; errors in its text are about what the user wrote. */
export function compileRows(name: string, format: string): Template {
  const { row } = normalizeFormat(format);
  compileTemplate(name, row.replace(/\n$/, ''));
  // Wrapped as Podman wraps it: the columns that error messages name are the same. Who ranges over the list is left alone.
  return compileTemplate(name, rangesOverList.test(row) ? row : `{{range .}}${row}{{end -}}`);
}

/** One object instead of a list: `info`, `version`. */
export function renderObject(name: string, format: string, data: GoStruct): string {
  const { row } = normalizeFormat(format);
  compileTemplate(name, row.replace(/\n$/, ''));
  return compileTemplate(name, row).execute(data);
}

/** `table A B` is tab-separated cells; `\t` and `\n` are what they are in C. */
export function normalizeFormat(format: string): { readonly row: string; readonly table: boolean } {
  const table = format.startsWith('table ');
  const body = table ? format.slice('table '.length) : format;
  const parts = body.split(/(\{\{[\s\S]*?\}\})/);
  const row = parts
    .map((part) => {
      if (part.startsWith('{{')) return part;
      const unescaped = part.replace(/\\t/g, '\t').replace(/\\n/g, '\n');
      return table ? unescaped.replace(/ /g, '\t') : unescaped;
    })
    .join('');
  return { row: row.endsWith('\n') ? row : `${row}\n`, table };
}

/** Headings for fields that have no special one: CreatedAt → CREATED AT. */
export function headingsOf(fields: readonly string[], special: Readonly<Record<string, string>> = {}): ReadonlyMap<string, string> {
  return new Map([
    ...fields.map((field): [string, string] => [field, field.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toUpperCase()]),
    ...Object.entries(special),
  ]);
}
