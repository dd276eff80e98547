/** Draws two boxes in plain ASCII, with a line from the foot of the left box to the foot of the right box. */

export interface Column {
  /** Stands in the upper edge of its box. */
  readonly title: string;
  /** Lines above the box. Their stem, a `|`, goes on through the upper edge of the box. */
  readonly above: readonly string[];
  /** Lines inside, from the upper edge on. */
  readonly top: readonly string[];
  /** Lines inside, down to the lower edge. The line between the boxes begins or ends at the last of them. */
  readonly foot: readonly string[];
  /** The text of the rows that fill up the less high box. */
  readonly stem: string;
}

export interface ConnectingLine {
  readonly text: string;
  readonly letter: string;
}

/** Undefined when the boxes do not fit into `columns`. */
export function boxes(
  left: Column,
  right: Column,
  line: ConnectingLine,
  columns: number,
): readonly string[] | undefined {
  const [leftWidth, rightWidth] = [innerWidth(left), innerWidth(right)];
  const room = columns - leftWidth - rightWidth - 8;
  const leftFoot = left.foot.at(-1) ?? "";
  const least = Math.max(8, line.text.length + 6 - (leftWidth - leftFoot.length));
  if (room < least) return undefined;
  const gap = Math.min(room, Math.max(least, 20));
  const height = Math.max(left.top.length + left.foot.length, right.top.length + right.foot.length);
  const leftRows = rows(left, leftWidth, height);
  const rightRows = rows(right, rightWidth, height);
  const lines = joined(leftRows, rightRows, gap, leftWidth + 4);
  // The row above the lower edge: the line between the boxes replaces their inner edges there.
  const at = lines.length - 2;
  lines[at] =
    `| ${leftFoot} ${arrow(line, leftWidth - leftFoot.length + gap)} ${right.foot.at(-1)?.padEnd(rightWidth) ?? ""} |`;
  return lines.map((each) => each.trimEnd());
}

function innerWidth({ title, above, top, foot }: Column): number {
  return Math.max(title.length + 8, ...[...above, ...top, ...foot].map((text) => text.length));
}

/** The rows of one box: the lines above, the upper edge, the inside, the lower edge. */
function rows({ title, above, top, foot, stem }: Column, width: number, height: number): string[] {
  const fill = Array.from({ length: height - top.length - foot.length }, () => stem);
  const edge = `${"-".repeat(width - title.length - 1)} ${title} -`;
  // The stem is the fifth letter of a row ("    |" above the box, "|   |" inside), and so the fourth of the edge.
  const upper = above.length === 0 ? edge : `${edge.slice(0, 3)}|${edge.slice(4)}`;
  return [
    ...above.map((text) => `  ${text}`),
    `+${upper}+`,
    ...[...top, ...fill, ...foot].map((text) => `| ${text.padEnd(width)} |`),
    `+${"-".repeat(width + 2)}+`,
  ];
}

function joined(left: readonly string[], right: readonly string[], gap: number, leftWidth: number): string[] {
  const height = Math.max(left.length, right.length);
  const at = (side: readonly string[], row: number) => side[row - (height - side.length)] ?? "";
  return Array.from({ length: height }, (_, row) => at(left, row).padEnd(leftWidth + gap) + at(right, row));
}

/** From the left foot up to the arrow head, through both edges. */
function arrow({ text, letter }: ConnectingLine, length: number): string {
  const letters = length + 1 - text.length;
  const before = Math.floor(letters / 2);
  return `${letter.repeat(before)}${text}${letter.repeat(letters - before)}>`;
}
