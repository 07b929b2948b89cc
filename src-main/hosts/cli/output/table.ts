/** Columns as Go's text/tabwriter lays them out with Podman's settings: cells at least 12 wide, two blanks between. */

const minimumWidth = 12;
const padding = 2;

/** @param text lines whose cells end with a tab; the last cell of a line is not part of a column */
export function alignColumns(text: string): string {
  if (!text.includes('\t')) return text;
  const lines = text.split('\n').map((line) => line.split('\t'));
  const widths: number[][] = lines.map(() => []);
  layOut(lines, widths, 0, lines.length, 0);
  return lines
    .map((cells, row) => cells.map((cell, column) => (column === cells.length - 1 ? cell : pad(cell, widths[row]?.[column] ?? 0))).join(''))
    .join('\n');
}

/** A column is a run of neighbouring lines that all have a cell there. */
function layOut(lines: readonly (readonly string[])[], widths: number[][], from: number, to: number, column: number): void {
  for (let row = from; row < to; row++) {
    if ((lines[row]?.length ?? 0) - 1 <= column) continue;
    let end = row;
    let width = minimumWidth;
    for (; end < to; end++) {
      const cells = lines[end] ?? [];
      if (cells.length - 1 <= column) break;
      width = Math.max(width, displayWidth(cells[column] ?? '') + padding);
    }
    for (let at = row; at < end; at++) widths[at]?.push(width);
    layOut(lines, widths, row, end, column + 1);
    row = end - 1;
  }
}

function displayWidth(cell: string): number {
  return Array.from(cell).length;
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - displayWidth(cell)));
}
