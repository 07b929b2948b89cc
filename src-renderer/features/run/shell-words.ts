/** Words as a POSIX shell reads and writes them (POSIX.1-2024, XCU 2.2 Quoting). Pure. */

/** Quotes a word only where a shell would take it for something else. */
export function quoteWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

/** Splits into words; undefined when a quote is not closed. Expands nothing: `$HOME` stays as it is. */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < line.length; index++) {
    const char = line[index] ?? '';
    const next = line[index + 1];
    if (quote === "'") {
      if (char === "'") quote = '';
      else word = (word ?? '') + char;
    } else if (char === '\\' && next !== undefined && (quote === '' || '$`"\\\n'.includes(next))) {
      // A backslash before the end of a line joins the lines.
      if (next !== '\n') word = (word ?? '') + next;
      index += 1;
    } else if (char === '"') {
      quote = quote === '"' ? '' : '"';
      word ??= '';
    } else if (quote === '"') word = (word ?? '') + char;
    else if (char === "'") {
      quote = "'";
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== '') return undefined;
  if (word !== undefined) words.push(word);
  return words;
}
