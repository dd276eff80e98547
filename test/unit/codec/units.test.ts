import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../src/codec/malformed.ts";
import {
  formatBytes,
  formatDuration,
  formatWait,
  isSshTime,
  parseDuration,
  parseRate,
  parseSize,
} from "../../../src/codec/units.ts";
import { rounds } from "../../kit/effort.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../kit/hostile-text.ts";

const rates: readonly (readonly [text: string, bytesPerSecond: number])[] = [
  ["500KB/s", 500_000],
  ["4MB/s", 4_000_000],
  ["8Mbit/s", 1_000_000],
  ["8Mbits/s", 1_000_000],
  ["1MiB/s", 1_048_576],
  ["1Gibit/s", 134_217_728],
  ["2TB/s", 2_000_000_000_000],
  ["1PB/s", 1_000_000_000_000_000],
  ["1500", 1500],
  ["1500B/s", 1500],
  ["500K", 500_000],
  ["500k/s", 500_000],
  ["1.5MB/s", 1_500_000],
  ["0.5KiB/s", 512],
  ["8bit/s", 1],
  ["8 mbit/s", 1_000_000],
  ["1 mB/s", 1_000_000],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
];

for (const [text, bytesPerSecond] of rates) {
  test(`The rate ${text} is ${bytesPerSecond} bytes per second`, () => {
    assert.equal(parseRate(text), bytesPerSecond);
  });
}

const sizes: readonly (readonly [text: string, bytes: number])[] = [
  ["64KB", 64_000],
  ["64KiB", 65_536],
  ["64kiB", 65_536],
  ["1MiB", 1_048_576],
  ["1Mi", 1_048_576],
  ["123", 123],
  ["123B", 123],
  ["1.5M", 1_500_000],
  ["0", 0],
  ["007", 7],
];

for (const [text, bytes] of sizes) {
  test(`The size ${text} is ${bytes} bytes`, () => {
    assert.equal(parseSize(text), bytes);
  });
}

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
  test(`The duration ${text} is ${ms} ms`, () => {
    assert.equal(parseDuration(text), ms);
  });
}

for (const text of [
  "",
  "fast",
  "-1",
  "+1",
  " 1",
  "1 ",
  "1e3",
  "1,5MB/s",
  ".5MB",
  "1.",
  "0x10",
  "1XB",
  "1iB",
  "1KB/m",
  "1KB/s/s",
  "KB/s",
  "/s",
  "1  KB",
  "١",
  "1KB\n",
  "1Mbps",
  "Infinity",
  "NaN",
]) {
  test(`${JSON.stringify(text)} is neither a rate nor a size`, () => {
    assert.throws(() => parseRate(text), /^Malformed: ".*" is not a rate such as 500KB\/s, 4MB\/s or 8Mbit\/s$/);
    assert.throws(() => parseSize(text), /^Malformed: ".*" is not a size such as 64KB or 1MiB$/);
  });
}

test("A lone small b is refused, for it could be bits or bytes", () => {
  assert.throws(() => parseRate("500kb/s"), Malformed);
  assert.throws(() => parseSize("64kb"), Malformed);
});

test("A size is not given in bits and not per second", () => {
  assert.throws(() => parseSize("8Mbit"), Malformed);
  assert.throws(() => parseSize("8MB/s"), Malformed);
});

test("A rate of nothing and a rate beyond what a number can count are refused", () => {
  assert.throws(() => parseRate("0"), /^Malformed: "0" is less than 1 byte per second; expected a rate/);
  assert.throws(() => parseRate("0.3bit/s"), /is less than 1 byte per second/);
  assert.throws(() => parseRate("9007199254740993"), /^Malformed: "9007199254740993" is too large; expected a rate/);
  assert.throws(() => parseRate("10000TB/s"), /is too large/);
  assert.throws(() => parseSize("9999999999999999PB"), /is too large/);
});

for (const text of ["", "-5s", "+5s", " 5s", "5 s", "5x", "s", "1.s", "5sm", "1e3s", "1:30", "∞", "5s\n", "m5"]) {
  test(`${JSON.stringify(text)} is no duration`, () => {
    assert.throws(() => parseDuration(text), / is not a duration such as 250ms, 30s or 1m30s$/);
  });
}

test("A duration beyond what a number can count is refused", () => {
  assert.throws(
    () => parseDuration("999999999999999w"),
    /^Malformed: "999999999999999w" is too long; expected a duration/,
  );
});

const bytesShown: readonly (readonly [bytes: number, shown: string])[] = [
  [0, "0 B"],
  [1, "1 B"],
  [999, "999 B"],
  [1000, "1 KB"],
  [1049, "1 KB"],
  [1050, "1.1 KB"],
  [12_345, "12.3 KB"],
  [99_949, "99.9 KB"],
  [99_950, "100 KB"],
  [123_456, "123 KB"],
  [999_499, "999 KB"],
  [999_500, "1 MB"],
  [1_234_567, "1.2 MB"],
  [1_000_000_000, "1 GB"],
  [Number.MAX_SAFE_INTEGER, "9 PB"],
];

for (const [bytes, shown] of bytesShown) {
  test(`${bytes} bytes are shown as ${shown}`, () => {
    assert.equal(formatBytes(bytes), shown);
  });
}

const durationsShown: readonly (readonly [ms: number, shown: string])[] = [
  [0, "0ms"],
  [0.4, "0ms"],
  [250, "250ms"],
  [999.4, "999ms"],
  [999.6, "1s"],
  [1500, "1.5s"],
  [30_000, "30s"],
  [59_949, "59.9s"],
  [59_950, "1m"],
  [90_000, "1m30s"],
  [3_599_499, "59m59s"],
  [3_599_500, "1h"],
  [7_500_000, "2h5m"],
  [86_399_000, "1d"],
  [273_600_000, "3d4h"],
];

for (const [ms, shown] of durationsShown) {
  test(`${ms} ms are shown as ${shown}`, () => {
    assert.equal(formatDuration(ms), shown);
  });
}

for (const [ms, shown] of [
  [0, "0 ms"],
  [40, "40 ms"],
  [94.9, "95 ms"],
  [95, "0.1 s"],
  [200, "0.2 s"],
  [4000, "4 s"],
  [9949, "9.9 s"],
  [9950, "10 s"],
  [59_499, "59 s"],
  [59_500, "1m"],
  [90_000, "1m30s"],
  [7_500_000, "2h5m"],
] as const) {
  test(`A wait of ${ms} ms is ${shown} in a sentence`, () => {
    assert.equal(formatWait(ms), shown);
  });
}

function isClose(actual: number, expected: number, share: number): void {
  assert.ok(Math.abs(actual - expected) <= expected * share, `${actual} is not close to ${expected}`);
}

test("What is printed is parsed back to about the same number", () => {
  const most = 9e15;
  fc.assert(
    fc.property(fc.double({ min: 1, max: most, noNaN: true }), (double) => {
      const bytes = Math.floor(double);
      isClose(parseSize(formatBytes(bytes)), bytes, 0.051);
      isClose(parseRate(`${formatBytes(bytes)}/s`), bytes, 0.051);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (ms) => {
      isClose(parseDuration(formatDuration(ms)), ms, 0.051);
    }),
  );
});

test("Random text is a whole number of at least nothing, or refused", () => {
  const text = hostileText("1", "999", ".", "K", "Mi", "B", "bit", "/s", "ms", "s", "h", " ", "-");
  fc.assert(
    fc.property(text, (text) => {
      for (const [parse, least] of [
        [parseRate, 1],
        [parseSize, 0],
        [parseDuration, 0],
      ] as const) {
        const number = readOrRefused(() => parse(text));
        if (number !== undefined) assert.ok(Number.isSafeInteger(number) && number >= least, `${number}`);
      }
    }),
    { numRuns: rounds(3000) },
  );
});

test("A time of ssh has whole seconds or units, and an end", () => {
  for (const text of ["0", "30", "1m30s", "1M30", "2147483647", "0000000000030", "24855d"])
    assert.ok(isSshTime(text), text);
  for (const text of ["", "soon", "-1", "1.5", "250ms", "s", "2147483648", "24856d", "1 m", "9".repeat(400)]) {
    assert.ok(!isSshTime(text), text);
  }
});

test("Endless text is refused at once", () => {
  assertFastOnLongText(isSshTime, "1", "1s", "1.", " ", "0");
  for (const parse of [parseRate, parseSize, parseDuration])
    assertFastOnLongText(parse, "1", "1s", "1.", "K", " ", "0");
});
