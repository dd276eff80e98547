/** What comes in beside channels and requests: that a packet came, and what the server says in SSH_MSG_DEBUG. */
import type { Handlers, ProtocolView } from "./view.ts";

/** Gives the way to listen; for one listener. */
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

/** SSH_MSG_DEBUG (RFC 4253, section 11.3): ssh2 keeps it to itself, but for its own trace. The text may be anything. */
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
