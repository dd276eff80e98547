/** The size of a terminal in characters (RFC 4254, section 6.2). porthop does not use the size in pixels. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}
