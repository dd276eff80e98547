/**
 * What the two KEXINIT packets of an SSH connection agree on (RFC 4253, section 7.1), as far as it says where encrypted
 * packets end: with GCM ciphers and encrypt-then-MAC the length stays readable, with all others it does not.
 */
import { readString } from "../ssh-string.ts";
import type { Direction } from "./tcp-conversation.ts";

/** Shared by the cutters of both directions of one connection; `up` is from client to server. */
export class SshNegotiation {
  readonly #offers = new Map<Direction, Offer>();

  /**
   * Takes the payload of a KEXINIT. Only the first of each side can count: those of a rekey are encrypted, and are taken
   * to agree on the same algorithms, as OpenSSH's and ssh2's do, for neither changes its lists in mid-connection.
   */
  offer(direction: Direction, kexInit: Uint8Array): void {
    if (this.#offers.has(direction)) return;
    const offer = parseKexInit(kexInit);
    if (offer !== undefined) this.#offers.set(direction, offer);
  }

  /**
   * How many bytes of tag follow the 4 bytes of length and what they count, once this direction is encrypted.
   * Undefined when the length is hidden, or when the two sides' offers are not both known.
   */
  tagBytes(direction: Direction): number | undefined {
    const client = this.#offers.get("up")?.[direction];
    const server = this.#offers.get("down")?.[direction];
    if (client === undefined || server === undefined) return undefined;
    const cipher = agreed(client.ciphers, server.ciphers);
    if (cipher === undefined || cipher === "chacha20-poly1305@openssh.com") return undefined;
    // These authenticate by themselves, and no MAC is used whatever the lists agree on (OpenSSH, PROTOCOL, section 1.6).
    if (gcmCiphers.has(cipher)) return gcmTagBytes;
    const mac = agreed(client.macs, server.macs);
    return mac === undefined ? undefined : encryptThenMacBytes.get(mac);
  }
}

/** What one side offers for each direction. */
type Offer = Readonly<Record<Direction, Algorithms>>;

interface Algorithms {
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
}

const gcmCiphers = new Set(["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"]);
const gcmTagBytes = 16;

const encryptThenMacBytes = new Map([
  ["hmac-sha2-256-etm@openssh.com", 32],
  ["hmac-sha2-512-etm@openssh.com", 64],
  ["hmac-sha1-etm@openssh.com", 20],
  ["hmac-sha1-96-etm@openssh.com", 12],
  ["hmac-md5-etm@openssh.com", 16],
  ["hmac-md5-96-etm@openssh.com", 12],
  ["hmac-ripemd160-etm@openssh.com", 20],
  ["umac-64-etm@openssh.com", 8],
  ["umac-128-etm@openssh.com", 16],
]);

/** "The first algorithm on the client's name-list that is also on the server's" (RFC 4253, section 7.1). */
function agreed(client: readonly string[], server: readonly string[]): string | undefined {
  const known = new Set(server);
  return client.find((name) => known.has(name));
}

/** Byte 20, a cookie of 16 bytes, then name-lists of which the third to sixth are ciphers and MACs. */
function parseKexInit(payload: Uint8Array): Offer | undefined {
  const lists: (readonly string[])[] = [];
  let at = 17;
  while (lists.length < 6) {
    const list = readString(payload, at);
    if (list === undefined) return undefined;
    lists.push(list.bytes.toString("latin1").split(","));
    at = list.next;
  }
  const [, , upCiphers = [], downCiphers = [], upMacs = [], downMacs = []] = lists;
  return { up: { ciphers: upCiphers, macs: upMacs }, down: { ciphers: downCiphers, macs: downMacs } };
}
