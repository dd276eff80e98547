/** Text that a server wants to have shown at a login (RFC 4256, section 3.3): its lines stay lines, all else is made visible. */
import { visible } from "../text/terminal-text.ts";

/** Empty when there is nothing to show. */
export function serverText(text: string): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut
    .split(/\r\n|\n|\r/)
    .map((line) => visible(line.replaceAll("\t", " ")))
    .join("\n")
    .trimEnd();
}

const maxLength = 4096;
