/**
 * AES-GCM packets (RFC 5647, section 7.3) with less work for each. For every packet ssh2 1.17.0 asks the system for
 * random padding, writes three or four pieces, and makes views and copies of what arrived whole. A small message costs as
 * much of this as of encryption.
 */
import { type CipherGCMTypes, createCipheriv, createDecipheriv, randomFillSync } from "node:crypto";
import type { CryptoModule, GcmCipherView, GcmDecipherView } from "./exchange-view.ts";

const lengthBytes = 4;
const tagBytes = 16;
const blockBytes = 16;
/** A packet with no more bytes than this is written as one piece: a copy costs less than two more pieces. */
const joinedBytes = 4096;
/** The largest packet that is read here. ssh2's own code, with its limit, reads a larger one. */
const mostBytes = 32 * 1024 + 1024;

/** Throws when ssh2's classes look different. */
export function quickenGcm(crypto: Partial<CryptoModule>): void {
  const { createCipher, createDecipher, CIPHER_INFO: infos } = crypto;
  const info = infos?.["aes128-gcm@openssh.com"];
  if (createCipher === undefined || createDecipher === undefined || info === undefined) {
    throw new Error("ssh2's crypto.js has no such functions");
  }
  const [key, iv] = [Buffer.alloc(16), Buffer.alloc(12)];
  const outbound = { seqno: 0, onWrite: () => {}, cipherInfo: info, cipherKey: key, cipherIV: iv };
  const cipher = createCipher({ outbound });
  const inbound = { seqno: 0, onPayload: () => undefined, decipherInfo: info, decipherKey: key, decipherIV: iv };
  const decipher = createDecipher({ inbound });
  if (!isCipher(cipher) || !isDecipher(decipher)) throw new Error("ssh2's classes of AES-GCM look different");
  const encrypting = Object.getPrototypeOf(cipher) as GcmCipherView;
  encrypting.allocPacket = allocPacket;
  encrypting.encrypt = encrypt;
  const decrypting = Object.getPrototypeOf(decipher) as GcmDecipherView;
  decrypting.decrypt = decryptWith(decrypting.decrypt);
}

/** RFC 4253, section 6: at least 4 bytes of padding, which fill up a block; the length itself is no part of it. */
function allocPacket(payloadBytes: number): Buffer {
  const bareBytes = 1 + payloadBytes;
  let paddingBytes = blockBytes - (bareBytes % blockBytes);
  if (paddingBytes < 4) paddingBytes += blockBytes;
  const packet = Buffer.allocUnsafe(lengthBytes + bareBytes + paddingBytes);
  packet.writeUInt32BE(bareBytes + paddingBytes, 0);
  packet[lengthBytes] = paddingBytes;
  random.copyTo(packet, lengthBytes + bareBytes);
  return packet;
}

function encrypt(this: GcmCipherView, packet: Buffer): void {
  if (this._dead) return;
  const cipher = createCipheriv(this._encSSLName as CipherGCMTypes, this._encKey, this._encIV);
  const length = packet.subarray(0, lengthBytes);
  cipher.setAAD(length);
  const encrypted = cipher.update(packet.subarray(lengthBytes));
  cipher.final();
  const tag = cipher.getAuthTag();
  if (packet.length <= joinedBytes) {
    const joined = Buffer.allocUnsafe(packet.length + tagBytes);
    joined.set(length);
    joined.set(encrypted, lengthBytes);
    joined.set(tag, packet.length);
    this._onWrite(joined);
  } else {
    this._onWrite(length);
    this._onWrite(encrypted);
    this._onWrite(tag);
  }
  increment(this._encIV);
  this.outSeqno = (this.outSeqno + 1) >>> 0;
}

type Decrypt = GcmDecipherView["decrypt"];

/** A packet that has arrived whole is read here. What is cut, or of a length that ssh2 refuses, is read by `inPieces`. */
function decryptWith(inPieces: Decrypt): Decrypt {
  return function (this: GcmDecipherView, data, from, end) {
    let position = from;
    while (position < end) {
      const isWhole = this._lenBytes === 0 && end - position >= lengthBytes;
      const bytes = isWhole ? data.readUInt32BE(position) : 0;
      const packetEnd = position + lengthBytes + bytes + tagBytes;
      if (!isWhole || bytes < blockBytes || bytes % blockBytes !== 0 || bytes > mostBytes || packetEnd > end) {
        // Only to the end of the packet that has begun: the packets behind it may be whole. ssh2's code takes all of an
        // array whose first part it is given.
        const piece = data.subarray(position, Math.min(end, position + missingBytes(this)));
        position += piece.length;
        const answer = inPieces.call(this, piece, 0, piece.length);
        // The end of the piece stands for false.
        if (answer !== undefined) return answer === piece.length ? position : answer;
        continue;
      }
      const answer = this._onPayload(decryptWhole(this, data, position, packetEnd));
      position = packetEnd;
      if (answer !== undefined) return answer === false ? position : answer;
    }
    return undefined;
  };
}

/** How many bytes the packet that has begun needs at least. */
function missingBytes({ _lenBytes, _len, _pktLen, _tagPos }: GcmDecipherView): number {
  return _lenBytes < lengthBytes ? lengthBytes - _lenBytes : _len - _pktLen + tagBytes - _tagPos;
}

function decryptWhole(self: GcmDecipherView, data: Buffer, from: number, end: number): Buffer {
  const name = self._decipherSSLName as CipherGCMTypes;
  const decipher = createDecipheriv(name, self._decipherKey, self._decipherIV);
  decipher.setAAD(data.subarray(from, from + lengthBytes));
  const packet = decipher.update(data.subarray(from + lengthBytes, end - tagBytes));
  decipher.setAuthTag(data.subarray(end - tagBytes, end));
  decipher.final();
  self.inSeqno = (self.inSeqno + 1) >>> 0;
  increment(self._decipherIV);
  const contentBytes = packet.length - 1 - (packet[0] ?? 0);
  if (contentBytes < 0) throw new RangeError("the packet has more padding than bytes");
  return packet.subarray(1, 1 + contentBytes);
}

/** The invocation counter (RFC 5647, section 7.1): the last 8 bytes. */
function increment(iv: Buffer): void {
  for (let index = 11; index >= 4; index--) {
    const next = ((iv[index] ?? 0) + 1) & 0xff;
    iv[index] = next;
    if (next !== 0) return;
  }
}

/** Random bytes, of which each is used once. */
class RandomBytes {
  readonly #bytes = Buffer.allocUnsafe(8192);
  #used = this.#bytes.length;

  /** Fills the target to its end. */
  copyTo(target: Buffer, from: number): void {
    const count = target.length - from;
    if (this.#used + count > this.#bytes.length) {
      randomFillSync(this.#bytes);
      this.#used = 0;
    }
    this.#bytes.copy(target, from, this.#used, this.#used + count);
    this.#used += count;
  }
}

const random = new RandomBytes();

function isCipher(cipher: object): boolean {
  const names = ["_dead", "_encSSLName", "_encKey", "_encIV", "_onWrite", "outSeqno"];
  return names.every((name) => Object.hasOwn(cipher, name));
}

function isDecipher(decipher: object): boolean {
  const names = ["_lenBytes", "_len", "_pktLen", "_tagPos", "_decipherSSLName", "_decipherKey", "_decipherIV"];
  return [...names, "_onPayload", "inSeqno"].every((name) => Object.hasOwn(decipher, name));
}
