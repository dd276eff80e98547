/**
 * What the two KEXINIT packets of an SSH connection agree on (RFC 4253, section 7.1), as far as needed to
 * find the end of encrypted packets. GCM ciphers and encrypt-then-MAC leave the length of a packet readable; all other
 * algorithms hide the length.
 */
import { readString } from "../ssh-string.ts";
import type { TcpDirection } from "./tcp-conversation.ts";

/** Shared by the cutters of both directions of one connection; `up` is from client to server. */
export class SshNegotiation {
  readonly #offers = new Map<TcpDirection, OfferedAlgorithms>();

  /**
   * Takes the payload of a KEXINIT. Only the first KEXINIT of each side counts, because those
   * of a rekey are encrypted. A rekey is assumed to agree on the algorithms already in use:
   * neither OpenSSH nor ssh2 changes its lists during a connection.
   */
  offer(direction: TcpDirection, kexInit: Uint8Array): void {
    if (this.#offers.has(direction)) return;
    const offer = parseKexInit(kexInit);
    if (offer !== undefined) this.#offers.set(direction, offer);
  }

  /**
   * The size of the tag at the end of an encrypted packet of this direction. The packet is 4
   * bytes of length, as many bytes as the length says, and the tag. Undefined when the
   * length is hidden, or while the offer of a side is not known.
   */
  tagBytes(direction: TcpDirection): number | undefined {
    const client = this.#offers.get("up")?.[direction];
    const server = this.#offers.get("down")?.[direction];
    if (client === undefined || server === undefined) return undefined;
    const cipher = agreed(client.ciphers, server.ciphers);
    if (cipher === undefined || cipher === "chacha20-poly1305@openssh.com") return undefined;
    // GCM ciphers authenticate packets themselves: the MAC that the lists agree on is not used (OpenSSH, PROTOCOL,
    // section 1.6).
    if (gcmCiphers.has(cipher)) return gcmTagBytes;
    const mac = agreed(client.macs, server.macs);
    return mac === undefined ? undefined : encryptThenMacBytes.get(mac);
  }
}

/** What one side offers for each direction. */
type OfferedAlgorithms = Readonly<Record<TcpDirection, Algorithms>>;

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

/** A KEXINIT is byte 20, a cookie of 16 bytes, then name-lists; the third to sixth list are ciphers and MACs. */
function parseKexInit(payload: Uint8Array): OfferedAlgorithms | undefined {
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
