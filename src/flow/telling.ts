/**
 * How the running parts tell what happens. cli makes this one object and hands it down through tunnel, route and
 * session.
 */
import type { Logger } from "../plugin.ts";
import type { Bus } from "./bus.ts";

export interface Telling {
  readonly bus: Bus;
  /** Returns the logger for lines to the user: the named plugin's, or porthop's own when there is no name. */
  readonly loggerFor: (plugin?: string) => Logger;
  /**
   * Takes details for -vv, with ssh2's text for each packet. Undefined when nobody wants details; then no text is made.
   */
  readonly trace: ((text: string) => void) | undefined;
}
