/**
 * Two or more signals as one, for as long as something runs. Not AbortSignal.any: what it makes stays with signals that
 * live as long as the tunnel.
 */

/** Resolves or rejects as `run` does. Its signal fires with the reason of the first of `signals` that does. */
export async function withEither<T>(
  signals: readonly AbortSignal[],
  run: (either: AbortSignal) => Promise<T>,
): Promise<T> {
  const either = new AbortController();
  const pass = ({ target }: Event) => either.abort((target as AbortSignal).reason);
  for (const each of signals) {
    if (each.aborted) either.abort(each.reason);
    each.addEventListener("abort", pass, { once: true });
  }
  try {
    return await run(either.signal);
  } finally {
    for (const each of signals) each.removeEventListener("abort", pass);
  }
}
