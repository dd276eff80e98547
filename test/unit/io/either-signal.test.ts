import assert from "node:assert/strict";
import { test } from "node:test";
import { withEither } from "../../../src/io/either-signal.ts";

function stops() {
  const [one, other] = [new AbortController(), new AbortController()];
  const first = (either: AbortSignal) =>
    new Promise((resolve) => either.addEventListener("abort", () => resolve(either.reason), { once: true }));
  return { one, other, signals: [one.signal, other.signal], first };
}

test("The signal fires with whichever fires first, and with its reason.", async () => {
  const { one, other, signals, first } = stops();
  const running = withEither(signals, first);
  other.abort("the other");
  one.abort("too late");
  assert.equal(await running, "the other");
});

test("A signal that has fired before has fired in it too.", async () => {
  const { other, signals } = stops();
  other.abort("before");
  assert.equal(await withEither(signals, async (either) => either.aborted && either.reason), "before");
});

test("Afterwards nothing listens, whether it went well or not.", async () => {
  const { one, signals } = stops();
  const kept: AbortSignal[] = [];
  await withEither(signals, async (either) => void kept.push(either));
  const failure = new Error("no");
  await assert.rejects(
    withEither(signals, async (either) => {
      kept.push(either);
      throw failure;
    }),
    failure,
  );
  one.abort();
  assert.deepEqual(
    kept.map(({ aborted }) => aborted),
    [false, false],
  );
});
