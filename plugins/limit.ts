/**
 * Limits the rate of each direction, for each flow or for all flows together. Chunks are split with `subarray`, so that
 * a slow rate is a steady trickle and flows that share a bucket take turns.
 */
import { type Chunks, definePlugin, type Stage } from "../src/plugin.ts";
import { type Clock, TokenBucket } from "./limit/token-bucket.ts";

/** Pieces are at most this much of a second's worth: what a flow waits for its turn stays short. */
const pieceSeconds = 0.02;
const largestPieceBytes = 32 * 1024;

export default definePlugin({
  name: "limit",
  about: "limits bytes per second, up and down each",
  options: {
    rate: { type: "rate", about: "for both directions, each: 500KB/s, 10MB/s, 8Mbit/s" },
    up: { type: "rate", about: "from origin to target; overrides rate" },
    down: { type: "rate", about: "from target to origin; overrides rate" },
    per: {
      type: "text",
      about: "each flow has the rate for itself, or all flows share it fairly",
      default: "flow",
      choices: ["flow", "all"],
    },
    burst: { type: "size", about: "bytes that may pass at once after a pause; a tenth of a second's worth by default" },
  },
  setup(host, options) {
    const up = options.up ?? options.rate;
    const down = options.down ?? options.rate;
    if (up === undefined && down === undefined) {
      host.fail("plugin.invalid", "plugin limit needs a rate", "for example --use limit:rate=10MB/s or limit:up=1MB/s");
    }
    const shared =
      options.per === "all" ? { up: bucket(up, options.burst), down: bucket(down, options.burst) } : undefined;
    return (flow, next) => {
      const upward = shared === undefined ? bucket(up, options.burst) : shared.up;
      const downward = shared === undefined ? bucket(down, options.burst) : shared.down;
      if (upward !== undefined) flow.up.pipe(limited(upward, flow.signal));
      if (downward !== undefined) flow.down.pipe(limited(downward, flow.signal));
      return next();
    };
  },
});

interface Bucket {
  readonly tokens: TokenBucket;
  readonly pieceBytes: number;
}

function bucket(bytesPerSecond: number | undefined, burst: number | undefined): Bucket | undefined {
  if (bytesPerSecond === undefined) return undefined;
  const pieceBytes = Math.max(1, Math.min(largestPieceBytes, Math.floor(bytesPerSecond * pieceSeconds)));
  const burstBytes = Math.max(pieceBytes, burst ?? Math.floor(bytesPerSecond / 10));
  return { tokens: new TokenBucket(bytesPerSecond, burstBytes, systemClock), pieceBytes };
}

function limited({ tokens, pieceBytes }: Bucket, signal: AbortSignal): Stage {
  return async function* limit(chunks: Chunks) {
    for await (const chunk of chunks) {
      for (let from = 0; from < chunk.byteLength; from += pieceBytes) {
        const piece = chunk.subarray(from, from + pieceBytes);
        await tokens.take(piece.byteLength, signal);
        yield piece;
      }
    }
  };
}

const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
};
