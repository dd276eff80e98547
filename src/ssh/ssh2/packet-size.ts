/**
 * Takes packets as large as OpenSSH takes them, compressed or not. ssh2 1.17.0 ends the connection at a packet of more
 * than 35,000 bytes, for which RFC 4253, section 6.1 is its reason; a server's banner can be larger. Each of ssh2's
 * decoders (lib/protocol/crypto.js) compares its field `_len` with its limit once for a packet, as soon as the length
 * is known.
 */
import { watchDeciphers } from "./decipher-watch.ts";
import type { ZlibModule } from "./exchange-view.ts";
import type { DecipherView, ProtocolView } from "./view.ts";

/** OpenSSH's PACKET_MAX_SIZE (packet.c). A larger length is refused before any byte of the packet is kept. */
export const mostPacketBytes = 256 * 1024;

/** Call this before the stream's first bytes. */
export function takeLargePackets(protocol: Pick<ProtocolView, "_decipher">): void {
  watchDeciphers(protocol, widen);
}

/**
 * A compressed packet becomes as large as another may be, and no larger: 256 KiB of it could fill 256 MiB. Throws when
 * the module looks different.
 */
export function boundInflation({ ZlibPacketReader: reader }: Partial<ZlibModule>): void {
  const read = reader?.prototype.read;
  if (reader === undefined || typeof read !== "function") throw new Error("ssh2's zlib.js has no such reader");
  reader.prototype.read = function (data) {
    // ssh2 throws when the sum of the pieces passes this.
    this._zlib._maxOutputLength = mostPacketBytes;
    return read.call(this, data);
  };
}

/**
 * The read that is compared with the limit gets 0, where the length is one that OpenSSH takes; all other reads get the
 * length. With a cipher whose MAC is over the plain packet, the decoder reads the length once before: for the number of
 * bytes that are still to come. With another order of reads the length would be compared, and refused.
 */
function widen(decipher: DecipherView): void {
  const readsBefore = decipher._macETM === false ? 1 : 0;
  let length = decipher._len;
  let reads = 0;
  Object.defineProperty(decipher, "_len", {
    configurable: true,
    enumerable: true,
    // Usual packets come first: some connections have hundreds of thousands of them in a second.
    get: () => (length <= usualBytes || length > mostPacketBytes || reads++ !== readsBefore ? length : 0),
    set: (value: number) => {
      length = value;
      reads = 0;
    },
  });
}

/** Shorter packets pass ssh2's own limit, also where a decoder adds the length of its tag. */
const usualBytes = 32_768 + 1024;
