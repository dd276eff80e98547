/**
 * SSH_MSG_EXT_INFO (RFC 8308, section 2.3): what the other side says about itself, as names with values.
 */
import { readString } from "../ssh-string.ts";

/** The values by name. A message that ends too early gives those that are whole. */
export function extensionsIn(payload: Uint8Array): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const count = bytes.length < 5 ? 0 : Math.min(bytes.readUInt32BE(1), mostExtensions);
  let offset = 5;
  for (let index = 0; index < count; index++) {
    const name = readString(bytes, offset);
    const value = readString(bytes, name?.next ?? -1);
    if (name === undefined || value === undefined) break;
    offset = value.next;
    found.set(name.bytes.toString("latin1"), value.bytes.toString("latin1"));
  }
  return found;
}

/** As OpenSSH's limit (kex.c, kex_input_ext_info). */
const mostExtensions = 1024;
