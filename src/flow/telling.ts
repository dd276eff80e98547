/** How whatever runs tells what happens: the one thing that cli hands down for it, through tunnel, route and session. */
import type { Logger } from "../plugin.ts";
import type { Bus } from "./bus.ts";

export interface Telling {
  readonly bus: Bus;
  /** For lines in words. Without a name: porthop's own. */
  readonly loggerFor: (plugin?: string) => Logger;
  /** Details for -vv, ssh2's text for each packet among them; undefined when nobody wants it, and then none is made. */
  readonly trace: ((text: string) => void) | undefined;
}
