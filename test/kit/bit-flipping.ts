/**
 * A relay before an ssh server that turns one bit of what the server sends, at a place that the test chooses: as a
 * broken network device does it.
 */
import { createConnection } from "node:net";
import { rawServer } from "./raw-server.ts";

export interface FlippingRelay extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The server's bytes since its keys took effect (RFC 4253, section 7.3), or since the last call of `from`. */
  readonly passed: number;
  /** Counts the server's next byte as 0. */
  from(): void;
  /** The bit is turned in the byte with this number. */
  flip(at: number): void;
}

/** Serves one connection. With `at`, a byte after the server's NEWKEYS is turned. */
export async function flippingRelay(server: { host: string; port: number }, at?: number): Promise<FlippingRelay> {
  let target = at;
  let passed = 0;
  const relay = await rawServer((socket) => {
    const upstream = createConnection({ host: server.host, port: server.port, noDelay: true });
    upstream.on("error", () => socket.destroy());
    upstream.on("close", () => socket.end());
    socket.on("end", () => socket.end());
    socket.on("close", () => upstream.destroy());
    socket.pipe(upstream);
    const clear = new ClearPart();
    upstream.on("data", (chunk: Buffer) => {
      const sealedFrom = clear.take(chunk);
      const place = target === undefined ? -1 : sealedFrom + target - passed;
      if (place >= sealedFrom && place < chunk.length) chunk[place] = (chunk[place] ?? 0) ^ 0x80;
      passed += chunk.length - sealedFrom;
      socket.write(chunk);
    });
  });
  const { host, port } = relay;
  return {
    host,
    port,
    get passed() {
      return passed;
    },
    from() {
      passed = 0;
    },
    flip(place) {
      target = place;
    },
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}

/** What the server sends before its keys: lines up to the identification, then packets in clear up to NEWKEYS. */
class ClearPart {
  #rest = Buffer.alloc(0);
  #isGreeted = false;
  #isOver = false;

  /** The index of the first sealed byte in the chunk. */
  take(chunk: Buffer): number {
    if (this.#isOver) return 0;
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let bytes = this.#next(); bytes !== undefined && !this.#isOver; bytes = this.#next()) {
      this.#isOver = this.#isGreeted && this.#rest[5] === newKeys;
      this.#isGreeted ||= this.#rest.subarray(0, 4).toString("latin1") === "SSH-";
      this.#rest = this.#rest.subarray(bytes);
    }
    return this.#isOver ? chunk.length - this.#rest.length : chunk.length;
  }

  /** The length of the next line or packet, once it is here as a whole. */
  #next(): number | undefined {
    if (!this.#isGreeted) return this.#rest.indexOf(0x0a) + 1 || undefined;
    if (this.#rest.length < 4) return undefined;
    const bytes = 4 + this.#rest.readUInt32BE(0);
    return this.#rest.length < bytes ? undefined : bytes;
  }
}

const newKeys = 21;
