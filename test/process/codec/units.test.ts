import assert from "node:assert/strict";
import { test } from "node:test";
import { need } from "../../kit/packages.ts";
import { run } from "../../kit/run.ts";

const noSsh = need("ssh");

const durations: readonly (readonly [text: string, ms: number])[] = [
  ["250ms", 250],
  ["30s", 30_000],
  ["30", 30_000],
  ["5m", 300_000],
  ["1h", 3_600_000],
  ["2d", 172_800_000],
  ["1w", 604_800_000],
  ["1m30s", 90_000],
  ["1h30", 3_630_000],
  ["1H30M", 5_400_000],
  ["1s250MS", 1250],
  ["1.5s", 1500],
  ["0.5", 500],
  ["0", 0],
  ["0s", 0],
];

for (const [text, ms] of durations) {
  if (/ms|\./i.test(text) || ms === 0) continue;
  test(`ssh takes ${text} for ${ms / 1000} seconds too`, { skip: noSsh }, async () => {
    const { stdout } = await run("ssh", ["-G", "-F", "none", "-o", `ConnectTimeout=${text}`, "host"]);
    assert.ok(stdout.split("\n").includes(`connecttimeout ${ms / 1000}`));
  });
}
