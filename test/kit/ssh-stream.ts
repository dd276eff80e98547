/**
 * Makes the bytes of one direction of an SSH connection, packet by packet, for the tests of the packet cutter. The
 * framing is true; the contents are filler.
 */

export interface KexLists {
  readonly upCiphers: string;
  readonly downCiphers: string;
  readonly upMacs: string;
  readonly downMacs: string;
}

/** One cipher list and one MAC list, used for both directions. */
export function sameLists(ciphers: string, macs: string): KexLists {
  return { upCiphers: ciphers, downCiphers: ciphers, upMacs: macs, downMacs: macs };
}

/** The payload of a KEXINIT: byte 20, cookie, ten name-lists, a flag, four zeros (RFC 4253, section 7.1). */
export function kexInit(lists: KexLists): Buffer {
  const { upCiphers, downCiphers, upMacs, downMacs } = lists;
  const names = ["curve25519-sha256", "ssh-ed25519", upCiphers, downCiphers, upMacs, downMacs, "none", "none", "", ""];
  const encoded = names.map((text) => Buffer.concat([u32(text.length), Buffer.from(text)]));
  return Buffer.concat([Buffer.of(20), Buffer.alloc(16, 0xc0), ...encoded, Buffer.alloc(5)]);
}

/** An unencrypted packet: length, padding length, payload, padding. */
export function clearPacket(payload: Uint8Array): Buffer {
  const padding = 4 + (7 - ((payload.length + 8) % 8));
  return Buffer.concat([u32(1 + payload.length + padding), Buffer.of(padding), payload, Buffer.alloc(padding)]);
}

/** A packet after NEWKEYS, with a cipher that leaves the length readable. */
export function sealedPacket(countedBytes: number, tagBytes: number): Buffer {
  return Buffer.concat([u32(countedBytes), Buffer.alloc(countedBytes, 0xee), Buffer.alloc(tagBytes, 0x7a)]);
}

export const newKeys = clearPacket(Buffer.of(21));

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
