/** The clock of a capture: nanoseconds since 1970. Each reading is later than the reading before. */
export function steadyClock(): () => bigint {
  const originNs = BigInt(Math.round(performance.timeOrigin * 1e6));
  let last = 0n;
  return () => {
    const now = originNs + BigInt(Math.round(performance.now() * 1e6));
    last = now > last ? now : last + 1n;
    return last;
  };
}
