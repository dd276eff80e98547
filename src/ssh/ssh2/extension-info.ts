/**
 * What the server says about itself in SSH_MSG_EXT_INFO. ssh2 1.17.0 reads one of its fields and drops the others, so
 * the message is read here before ssh2 has it.
 */
import { extensionsIn } from "../../codec/session/server-extensions.ts";
import type { ExchangingView, KexHandler } from "./exchange-view.ts";

const told = new WeakMap<ExchangingView, ReadonlyMap<string, string>>();

/** Throws when the handlers look different. `handlers` are those of handlers.js, by the messages' numbers. */
export function keepExtensions(handlers: { [type: number]: KexHandler | undefined }): void {
  const handle = handlers[extensionInfo];
  if (handle === undefined) throw new Error("ssh2's handlers.js does not read SSH_MSG_EXT_INFO");
  handlers[extensionInfo] = (protocol, payload) => {
    // As in OpenSSH (kex.c, kex_ext_info_client_parse) a second message, which may come later, says nothing new of these.
    if (!told.has(protocol)) told.set(protocol, extensionsIn(payload));
    return handle(protocol, payload);
  };
}

/** The value of this name in the server's first message; undefined when there is none. */
export function extensionOf(protocol: ExchangingView, name: string): string | undefined {
  return told.get(protocol)?.get(name);
}

const extensionInfo = 7;
