/** Colours of a line that was written for a terminal: SGR (ECMA-48 8.3.117), the sixteen colours, bold and faint. Pure. */
export interface Segment {
  readonly at: number;
  readonly text: string;
  readonly className: string;
}

interface Style {
  color: number | undefined;
  bold: boolean;
  faint: boolean;
}

const sequence = new RegExp(String.raw`\u001b\[([0-9;:]*)([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b.?`, 'g');

export function segmentsOf(line: string): readonly Segment[] {
  const segments: Segment[] = [];
  const style: Style = { color: undefined, bold: false, faint: false };
  let from = 0;
  const push = (to: number) => {
    if (to > from) segments.push({ at: from, text: line.slice(from, to), className: classOf(style) });
  };
  for (const match of line.matchAll(sequence)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === 'm') apply(style, (match[1] ?? '').split(/[;:]/).map(Number));
  }
  push(line.length);
  return segments;
}

function apply(style: Style, codes: readonly number[]): void {
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    if (code === 0) Object.assign(style, { color: undefined, bold: false, faint: false });
    else if (code === 1) style.bold = true;
    else if (code === 2) style.faint = true;
    else if (code === 22) Object.assign(style, { bold: false, faint: false });
    else if (code >= 30 && code <= 37) style.color = code - 30;
    else if (code >= 90 && code <= 97) style.color = code - 82;
    else if (code === 39) style.color = undefined;
    // 256 colours and true colours have arguments that are no codes of their own.
    else if (code === 38 || code === 48) index += codes[index + 1] === 5 ? 2 : 4;
  }
}

function classOf(style: Style): string {
  return [style.color === undefined ? '' : `ansi-${style.color}`, style.bold ? 'ansi-bold' : '', style.faint ? 'ansi-faint' : '']
    .filter((name) => name !== '')
    .join(' ');
}
