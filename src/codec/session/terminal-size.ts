/** The size of a terminal in characters (RFC 4254, section 6.2): its pixels nobody here asks for. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}
