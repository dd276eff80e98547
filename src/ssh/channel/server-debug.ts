/**
 * What a server says in SSH_MSG_DEBUG (RFC 4253, section 11.3): ssh2 keeps it to itself, but for its own trace.
 */
import type { Client } from "ssh2";

/** `heard` gets the text as it came: it may be anything. Does nothing to an ssh2 that looks different. */
export function hearServerDebug(client: Client, heard: (text: string) => void): void {
  const { _protocol: protocol } = client as unknown as { _protocol?: { readonly _handlers?: Handlers } };
  const handlers = protocol?._handlers;
  if (handlers === undefined) return;
  const trace = handlers.DEBUG;
  handlers.DEBUG = (self, display, text) => {
    trace?.(self, display, text);
    if (typeof text === "string") heard(text);
  };
}

/** ssh2 1.17.0, lib/protocol/Protocol.js. */
interface Handlers {
  DEBUG?: ((self: unknown, display: boolean, text: unknown) => void) | undefined;
}
