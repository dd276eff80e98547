/**
 * The texts that a server sends before the login (SSH_MSG_USERAUTH_BANNER, RFC 4252, section 5.4), whole and safe to
 * show. A server may send any number of them; of all together one packet's worth is shown.
 */
import { serverText } from "./server-text.ts";
import { mostPacketBytes } from "./ssh2/packet-size.ts";

export class Banners {
  #left = mostPacketBytes;

  /** The text to show, of several lines. Undefined when there is nothing to show, or no more of it is shown. */
  take(banner: string): string | undefined {
    if (this.#left === 0) return undefined;
    const shown = serverText(banner, this.#left);
    const isWhole = banner.length <= this.#left;
    this.#left = isWhole ? this.#left - banner.length : 0;
    if (!isWhole) return `${shown}\n(the server says more before the login than is shown)`;
    return shown === "" ? undefined : shown;
  }
}
