/**
 * Two things that arrive besides channels and requests: the news that a packet came, and the texts of SSH_MSG_DEBUG.
 */
import type { Handlers, ProtocolView } from "./view.ts";

/** Returns a function that sets the listener. There is one listener. */
export function hearPackets(protocol: Pick<ProtocolView, "_onPacket">): (told: () => void) => void {
  const { _onPacket: heard } = protocol;
  let listener: (() => void) | undefined;
  protocol._onPacket = () => {
    listener?.();
    heard();
  };
  return (told) => {
    listener = told;
  };
}

/**
 * SSH_MSG_DEBUG (RFC 4253, section 11.3). ssh2 uses its text only for ssh2's own trace. A hostile server may send any
 * text. Returns a function that adds a listener.
 */
export function hearDebug(handlers: Pick<Handlers, "DEBUG">): (hear: (text: string) => void) => void {
  const { DEBUG: trace } = handlers;
  const listeners: ((text: string) => void)[] = [];
  handlers.DEBUG = (self, display, text) => {
    trace?.(self, display, text);
    if (typeof text !== "string") return;
    for (const hear of listeners) hear(text);
  };
  return (hear) => void listeners.push(hear);
}
