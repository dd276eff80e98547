/**
 * Reads the name-lists of SSH_MSG_KEXINIT (RFC 4253, section 7.1), and replaces the list of key exchanges. A message
 * from the network may be cut short: reading ends there and throws nothing.
 */
import { readString, writeStrings } from "../ssh-string.ts";

/**
 * The lists in the order of the message: key exchanges, host keys, then ciphers, MACs, compressions and languages, each
 * of these four first for client to server, then for server to client. Fewer lists when the message is cut short.
 */
export function kexInitLists(payload: Uint8Array): readonly (readonly string[])[] {
  const lists: string[][] = [];
  let at = listsStart;
  while (lists.length < listCount) {
    const list = readString(payload, at);
    if (list === undefined) return lists;
    lists.push(list.bytes.toString("latin1").split(","));
    at = list.next;
  }
  return lists;
}

/** The message with other key exchanges in it; unchanged when the message is cut short. */
export function withKeyExchanges(payload: Buffer, names: readonly string[]): Buffer {
  const list = readString(payload, listsStart);
  if (list === undefined) return payload;
  return Buffer.concat([payload.subarray(0, listsStart), writeStrings(names.join(",")), payload.subarray(list.next)]);
}

/** After the message's number and a cookie of 16 bytes. */
const listsStart = 17;
const listCount = 10;
