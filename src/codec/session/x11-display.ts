/**
 * DISPLAY: where the X server listens, and what xauth(1) calls it (OpenSSH clientloop.c, client_x11_display_valid, and
 * channels.c, x11_connect_display). The name goes on xauth's command line: a text that looks like a flag is refused.
 */

import { quoted } from "../../text/terminal-text.ts";
import type { Address } from "../address.ts";
import { Malformed } from "../malformed.ts";

export interface X11Display {
  /** In the order to try. A unix socket whose path begins with a NUL byte is in Linux's abstract namespace. */
  readonly addresses: readonly [Address, ...Address[]];
  readonly screen: number;
  /** The name under which xauth lists the display. */
  readonly xauthName: string;
}

/** `:0`, `:0.1`, `unix:0`, `host:0.1`, `/path/to/socket:0` (XQuartz). */
export function parseDisplay(text: string): X11Display {
  if (text.length > longest || !/^[A-Za-z0-9:/._-]+$/.test(text) || text.startsWith("-")) throw noDisplay(text);
  const [, place = "", display = "", screen = "0"] = /^(.*):(\d{1,5})(?:\.(\d{1,5}))?$/.exec(text) ?? [];
  if (text.startsWith("/")) {
    // The display number stays a part of the path: XQuartz's socket really has the name org.xquartz:0.
    return {
      addresses: [{ path: text.replace(/(:\d{1,5})\.\d{1,5}$/, "$1") }],
      screen: Number(screen),
      xauthName: text,
    };
  }
  if (display === "") throw noDisplay(text);
  const number = Number(display);
  if (place === "" || place === "unix") {
    const path = `/tmp/.X11-unix/X${number}`;
    return { addresses: [{ path }, { path: `\0${path}` }], screen: Number(screen), xauthName: text };
  }
  const port = firstPort + number;
  if (place.includes("/") || port > 65_535) throw noDisplay(text);
  // An ssh session sets DISPLAY to localhost:10, and xauth lists this display as unix:10 (clientloop.c).
  const xauthName = place === "localhost" ? `unix:${text.slice(place.length + 1)}` : text;
  return { addresses: [{ host: place, port }], screen: Number(screen), xauthName };
}

/** X11 protocol, appendix B: the port of display 0. */
const firstPort = 6000;

/** Longer than any host name or socket path. */
const longest = 300;

function noDisplay(text: string): Malformed {
  return new Malformed(`DISPLAY is ${quoted(text)}, which is no X display: host:0, :0 or unix:0`);
}
