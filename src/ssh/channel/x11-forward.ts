/**
 * X11 forwarding (RFC 4254, section 6.3): programs on the server show their windows here. The server gets only a
 * made-up cookie. When a connection brings the made-up cookie, the display's own cookie takes its place; all other
 * connections are closed.
 */
import { randomBytes } from "node:crypto";
import { Malformed } from "../../codec/malformed.ts";
import type { X11Display } from "../../codec/session/x11-display.ts";
import { type X11Cookie, X11Setup } from "../../codec/session/x11-setup.ts";
import { PorthopError } from "../../errors.ts";
import type { Conn } from "../../flow/conn.ts";
import { join } from "../../flow/join.ts";
import { hereDialer } from "../../io/here-dialer.ts";
import { messageOf } from "../../text/error-message.ts";
import type { SideChannels } from "./side-channel.ts";

export interface X11Forwarding {
  readonly display: X11Display;
  /** The display's own cookie. */
  readonly cookie: X11Cookie;
  /** From this time on, untrusted programs are refused (ForwardX11Timeout). In the time of `performance.now()`. */
  readonly refuseAfterMs: number | undefined;
}

/** What the server is told (RFC 4254, section 6.3.1). */
export interface X11Request {
  readonly protocol: string;
  readonly fakeCookie: Uint8Array;
  readonly screen: number;
}

export function x11Request({ cookie, display }: X11Forwarding): X11Request {
  return { protocol: cookie.protocol, fakeCookie: randomBytes(cookie.data.length), screen: display.screen };
}

export function x11Channels(
  forwarding: X11Forwarding,
  request: X11Request,
  warn: (text: string) => void,
  now: () => number = () => performance.now(),
): SideChannels {
  const { display, cookie, refuseAfterMs } = forwarding;
  return {
    type: "x11",
    name: "the X server",
    dial: () => dialDisplay(display),
    async carry(channel, here) {
      try {
        await here.write(await readSetup(channel, new X11Setup(request.protocol, request.fakeCookie, cookie.data)));
      } catch (error) {
        const reason = reasonOf(error);
        if (error instanceof Malformed) warn(`an X11 connection of the server was closed: ${error.message}`);
        channel.abort(reason);
        here.abort(reason);
        return;
      }
      await join(channel, here);
    },
    refusal() {
      const isOver = refuseAfterMs !== undefined && now() >= refuseAfterMs;
      return isOver ? "an X11 connection of the server was refused: ForwardX11Timeout is over" : undefined;
    },
    warn,
  };
}

async function dialDisplay(display: X11Display): Promise<Conn> {
  const dialer = hereDialer({ timeoutMs: patienceMs });
  let failure: unknown;
  for (const address of display.addresses) {
    try {
      return (await dialer.dial(address, address, never)).conn;
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/**
 * Reads the first message of an X11 client. The wait is limited, because a silent client holds a connection to the X
 * server.
 */
async function readSetup(channel: Conn, setup: X11Setup): Promise<Uint8Array> {
  const timer = setTimeout(() => channel.abort(reasonOf(new Malformed("it said nothing"))), patienceMs);
  try {
    for (;;) {
      const chunk = await channel.read();
      if (chunk === undefined) throw new Malformed("it ended before it had said who it is");
      const first = setup.take(chunk);
      if (first !== undefined) return first;
    }
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): PorthopError {
  if (error instanceof PorthopError) return error;
  return new PorthopError("target.prohibited", `an X11 connection was closed: ${messageOf(error)}`, { cause: error });
}

const patienceMs = 30_000;

const never = new AbortController().signal;
