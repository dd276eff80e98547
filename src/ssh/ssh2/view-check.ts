/**
 * Checks that ssh2's insides are as view.ts says, before a connection relies on them. With another ssh2, all guards
 * against hostile servers could be missing, and nobody would notice. A difference ends the session with one line that
 * names it.
 */
import type { Client, ClientChannel } from "ssh2";
import { PorthopError } from "../../errors.ts";
import { ssh2Version } from "./extension.ts";
import { answerKinds, type ChannelView, type ClientView, lateKinds } from "./view.ts";

/** Throws `internal` when ssh2 looks different. Call this right after `client.connect`. */
export function viewOf(client: Client): ClientView {
  const view = client as unknown as ClientView;
  const missing = parts.filter(([path, kind]) => !isThere(view, path.split("."), kind)).map(([path]) => path);
  if (missing.length === 0) return view;
  const [first, ...others] = missing;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  throw new PorthopError(
    "internal",
    `this ssh2 is not the ${ssh2Version} that porthop is made for: it has no Client.${first}${more}`,
    { hint: "in porthop's folder, npm ci installs the right one" },
  );
}

/** The view of a channel of a checked client. The channel's own parts are not checked again. */
export function viewOfChannel(channel: ClientChannel): ChannelView {
  return channel as unknown as ChannelView;
}

type FieldKind = "function" | "object" | "number" | "boolean" | "array" | "any";

const sends = [
  ...new Set([...answerKinds, ...lateKinds]),
  ...["ping", "rekey", "openssh_hostKeysProve", "authPK", "authPassword"],
];

const handlers = [
  ...["CHANNEL_OPEN", "CHANNEL_OPEN_CONFIRMATION", "CHANNEL_DATA", "CHANNEL_EXTENDED_DATA", "CHANNEL_REQUEST"],
  ...[
    "CHANNEL_WINDOW_ADJUST",
    "GLOBAL_REQUEST",
    "USERAUTH_FAILURE",
    "USERAUTH_PASSWD_CHANGEREQ",
    "EXT_INFO",
    "DISCONNECT",
  ],
];

const offers = ["kex", "serverHostKey", ...["cs", "sc"].flatMap(oneWay)];

const parts: readonly (readonly [path: string, kind: FieldKind])[] = [
  ["_callbacks", "array"],
  ["_remoteVer", "any"],
  ["_acceptX11", "number"],
  ["_forwarding", "object"],
  ["_chanMgr.get", "function"],
  ["_chanMgr.add", "function"],
  ["_protocol._server", "boolean"],
  ["_protocol._parse", "function"],
  ["_protocol.parse", "function"],
  ["_protocol._decipher", "any"],
  ["_protocol._buffer", "any"],
  ["_protocol._onPacket", "function"],
  ["_protocol._onError", "function"],
  ["_protocol._destruct", "function"],
  ["_protocol._kex", "any"],
  ["_protocol._kexinit", "any"],
  ["_protocol._queue", "any"],
  ["_protocol._packetRW.write.allocStart", "number"],
  ["_protocol._packetRW.write.alloc", "function"],
  ["_protocol._packetRW.write.finalize", "function"],
  ["_protocol._cipher.encrypt", "function"],
  ["_protocol._cipher.outSeqno", "number"],
  ["_protocol._authsQueue", "array"],
  ...offers.map((list) => [`_protocol._offer.lists.${list}.array`, "array"] as const),
  ...sends.map((name) => [`_protocol.${name}`, "function"] as const),
  ...handlers.map((name) => [`_protocol._handlers.${name}`, "function"] as const),
];

function oneWay(way: string): readonly string[] {
  return ["cipher", "mac", "compress", "lang"].map((kind) => `${way}.${kind}`);
}

function isThere(whole: object, path: readonly string[], kind: FieldKind): boolean {
  let part: unknown = whole;
  for (const name of path) {
    if (typeof part !== "object" || part === null || !(name in part)) return false;
    part = part[name as keyof typeof part];
  }
  if (kind === "any") return true;
  return kind === "array" ? Array.isArray(part) : typeof part === kind;
}
