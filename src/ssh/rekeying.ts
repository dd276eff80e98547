/**
 * When porthop asks for new keys: after RekeyLimit's bytes or time, and never later than what the cipher and its packet
 * numbers allow (OpenSSH: packet.c, ssh_packet_need_rekeying; RFC 4344, section 3). The server may ask first; that
 * counts as well.
 */
import type { Duplex } from "node:stream";
import type { RekeyLimit } from "../codec/config/rekey-limit.ts";
import type { Ports } from "./ssh2/ports.ts";
import type { HeardOutgoing, Outgoing } from "./transport.ts";

type RekeyPorts = Pick<Ports, "rekey" | "packetNumbers" | "client">;

/** Runs `act` after the time, unless the result is called before. */
export type Alarm = (afterMs: number, act: () => void) => () => void;

/** Call this when the session is ready. Until the login is done no new keys are asked for, as in ssh. */
export function renewKeys(
  ports: RekeyPorts,
  stream: Duplex,
  outgoing: HeardOutgoing,
  limit: RekeyLimit | undefined,
  cipher: string,
  alarm: Alarm = systemAlarm,
): void {
  const { bytes, intervalMs } = limit ?? { bytes: 0, intervalMs: 0 };
  const ownBytes = mostBytes(cipher);
  const mostBytesEach = bytes === 0 ? ownBytes : Math.min(bytes, ownBytes);
  const keys = new KeyAge(ports, outgoing, mostBytesEach, intervalMs, alarm);
  stream.on("data", (chunk: Uint8Array) => keys.received(chunk.length));
  outgoing.onGiven(() => keys.check());
  ports.client.on("handshake", () => keys.renewed());
  ports.client.on("close", () => keys.end());
}

/**
 * A block cipher must not encrypt more than 2^(2 * blocksize) blocks with one key. For small blocks ssh stops at 1 GB
 * (packet.c, ssh_set_newkeys).
 */
function mostBytes(cipher: string): number {
  const hasSmallBlocks = cipher.startsWith("chacha20") || cipher.startsWith("3des");
  return hasSmallBlocks ? 2 ** 30 : 2 ** 32 * 16;
}

/** MAX_PACKETS of packet.c. */
const mostPackets = 2 ** 31;

/** What passed since the last key exchange. */
class KeyAge {
  readonly #ports: RekeyPorts;
  readonly #outgoing: Outgoing;
  readonly #mostBytes: number;
  readonly #intervalMs: number;
  readonly #alarm: Alarm;
  #received = 0;
  #given: number;
  #packets: Ports["packetNumbers"];
  #isOld = false;
  #isAsking = false;
  #isOver = false;
  #stopAlarm: (() => void) | undefined;

  constructor(ports: RekeyPorts, outgoing: Outgoing, bytes: number, intervalMs: number, alarm: Alarm) {
    this.#ports = ports;
    this.#outgoing = outgoing;
    this.#mostBytes = bytes;
    this.#intervalMs = intervalMs;
    this.#alarm = alarm;
    this.#given = outgoing.given;
    this.#packets = ports.packetNumbers;
    this.#wait();
  }

  received(bytes: number): void {
    this.#received += bytes;
    this.check();
  }

  check(): void {
    if (this.#isAsking || this.#isOver || !this.#isDue()) return;
    this.#isAsking = true;
    // ssh2 may be in the middle of a packet, or of what it held back during an exchange. A KEXINIT in there would
    // corrupt the stream.
    setImmediate(() => {
      if (!this.#isOver) this.#ports.rekey();
    });
  }

  renewed(): void {
    this.#received = 0;
    this.#given = this.#outgoing.given;
    this.#packets = this.#ports.packetNumbers;
    this.#isOld = false;
    this.#isAsking = false;
    this.#wait();
  }

  end(): void {
    this.#isOver = true;
    this.#stopAlarm?.();
  }

  /**
   * As in ssh, one packet at least passes between two exchanges. So a connection without traffic makes none, and a tiny
   * limit does not renew keys for ever. Packets tell this, and bytes do not: a chunk that ends an exchange is counted
   * whole behind it.
   */
  #isDue(): boolean {
    const { sent, received } = this.#ports.packetNumbers;
    // The numbers begin again after 2^32.
    const packets = Math.max((sent - this.#packets.sent) >>> 0, (received - this.#packets.received) >>> 0);
    if (packets === 0) return false;
    const given = this.#outgoing.given - this.#given;
    return this.#isOld || Math.max(this.#received, given) > this.#mostBytes || packets > mostPackets;
  }

  #wait(): void {
    this.#stopAlarm?.();
    if (this.#intervalMs === 0) return;
    this.#stopAlarm = this.#alarm(this.#intervalMs, () => {
      this.#isOld = true;
      this.check();
    });
  }
}

const systemAlarm: Alarm = (afterMs, act) => {
  const timer = setTimeout(act, afterMs);
  timer.unref();
  return () => clearTimeout(timer);
};
