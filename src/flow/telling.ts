/** How whatever runs tells what happens: the one thing that cli hands down for it, through tunnel, route and session. */
import type { Logger } from "../plugin.ts";
import type { Bus } from "./bus.ts";

export interface Telling {
  readonly bus: Bus;
  /** For lines in words. Without a name: porthop's own. */
  loggerFor(plugin?: string): Logger;
  /** ssh2's own chatter, a text for each packet; undefined when nobody wants it, and then no text is made. */
  readonly trace: ((text: string) => void) | undefined;
}
