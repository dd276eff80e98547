/**
 * Limits the rate of each direction, for each flow alone or for all flows together. Chunks are cut into small pieces
 * with `subarray`, which copies nothing. So a slow rate is a steady flow of bytes, and flows that share a bucket take
 * turns.
 */
import { type Chunks, type Direction, definePlugin, type Stage } from "../src/plugin.ts";
import { type Clock, type Rate, TokenBucket } from "./limit/token-bucket.ts";

/** A piece has at most the bytes of this many seconds, so that a flow waits only a short time for its turn. */
const pieceSeconds = 0.02;
const largestPieceBytes = 32 * 1024;

export default definePlugin({
  name: "limit",
  about: "limits bytes per second, up and down each",
  options: {
    rate: { type: "rate", about: "for both directions, each: 500KB/s, 10MB/s, 8Mbit/s", live: true },
    up: { type: "rate", about: "from origin to target; overrides rate", live: true },
    down: { type: "rate", about: "from target to origin; overrides rate", live: true },
    per: {
      type: "text",
      about: "each flow has the rate for itself, or all flows share it fairly",
      default: "flow",
      choices: ["flow", "all"],
    },
    burst: {
      type: "size",
      about: "bytes that may pass at once after a pause; a tenth of a second's worth by default",
      live: true,
    },
  },
  setup(host, options) {
    const up = paceOf(options, "up");
    const down = paceOf(options, "down");
    if (up.rate === undefined && down.rate === undefined) {
      host.fail("plugin.invalid", "plugin limit needs a rate", "for example --use limit:rate=10MB/s or limit:up=1MB/s");
    }
    host.onOptions((changed) => {
      up.rate = paceOf(changed, "up").rate;
      down.rate = paceOf(changed, "down").rate;
    });
    const bucketOf = options.per === "all" ? sharedBucket() : newBucket;
    return (flow, next) => {
      if (isLimiting(up)) flow.up.pipe(limited(up, bucketOf(up), flow.signal));
      if (isLimiting(down)) flow.down.pipe(limited(down, bucketOf(down), flow.signal));
      return next();
    };
  },
});

/** The current rate of one direction. A change may replace a rate and never removes it. */
interface Pace {
  rate: Rate | undefined;
}

interface LimitingPace extends Pace {
  rate: Rate;
}

function isLimiting(pace: Pace): pace is LimitingPace {
  return pace.rate !== undefined;
}

interface RateOptions {
  readonly rate: number | undefined;
  readonly up: number | undefined;
  readonly down: number | undefined;
  readonly burst: number | undefined;
}

function paceOf(options: RateOptions, direction: Direction): Pace {
  const bytesPerSecond = options[direction] ?? options.rate;
  if (bytesPerSecond === undefined) return { rate: undefined };
  const pieceBytes = Math.max(1, Math.min(largestPieceBytes, Math.floor(bytesPerSecond * pieceSeconds)));
  const burstBytes = Math.max(pieceBytes, options.burst ?? Math.floor(bytesPerSecond / 10));
  return { rate: { bytesPerSecond, burstBytes, pieceBytes } };
}

function newBucket(pace: LimitingPace): TokenBucket {
  return new TokenBucket(pace, systemClock);
}

/** One bucket for each direction, shared by all flows. */
function sharedBucket(): (pace: LimitingPace) => TokenBucket {
  const buckets = new Map<LimitingPace, TokenBucket>();
  return (pace) => {
    const bucket = buckets.get(pace) ?? newBucket(pace);
    buckets.set(pace, bucket);
    return bucket;
  };
}

function limited(pace: LimitingPace, tokens: TokenBucket, signal: AbortSignal): Stage {
  return async function* limit(chunks: Chunks) {
    for await (const chunk of chunks) {
      let from = 0;
      while (from < chunk.byteLength) {
        const piece = chunk.subarray(from, from + pace.rate.pieceBytes);
        await tokens.take(piece.byteLength, signal);
        yield piece;
        from += piece.byteLength;
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
