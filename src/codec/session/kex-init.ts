/**
 * The name-lists of SSH_MSG_KEXINIT (RFC 4253, section 7.1): read, and written anew with other names. What comes from
 * the network is read no further than it reaches.
 */
import { readString, writeStrings } from "../ssh-string.ts";

/** The key exchanges come first, then host keys, ciphers, MACs and compressions, each of the three up and down. */
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

/** The same message with other key exchanges. */
export function withKeyExchanges(payload: Buffer, names: readonly string[]): Buffer {
  const list = readString(payload, listsStart);
  if (list === undefined) return payload;
  return Buffer.concat([payload.subarray(0, listsStart), writeStrings(names.join(",")), payload.subarray(list.next)]);
}

/** After the message's number and a cookie of 16 bytes. */
const listsStart = 17;
const listCount = 10;
