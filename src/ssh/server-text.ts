/**
 * Makes a server's text for the login safe to show (RFC 4256, section 3.3): lines stay lines, and all other control
 * characters become visible.
 */
import { visible } from "../text/terminal-text.ts";

/** Empty when there is nothing to show. A text beyond `maxLength` characters is cut. */
export function serverText(text: string, maxLength = usualLength): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut
    .split(/\r\n|\n|\r/)
    .map((line) => visible(line.replaceAll("\t", " ")))
    .join("\n")
    .trimEnd();
}

const usualLength = 4096;
