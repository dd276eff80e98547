import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNetworks } from "../../../src/codec/cidr.ts";
import { Malformed } from "../../../src/codec/malformed.ts";
import { capturesToStdout, readCarrying } from "../../../src/config/carrying-settings.ts";
import { describeTunnel } from "../../../src/config/description.ts";
import { longestTimerMs } from "../../../src/config/file/keyword-record.ts";
import { keywordsOf } from "../../../src/config/tunnel-keywords.ts";

/** LogLevel comes as -o LogLevel=... */
function read(words: readonly string[], usual?: "warn") {
  const tunnel = describeTunnel([...words, "host"]);
  return readCarrying(tunnel, tunnel.extras, keywordsOf(tunnel), usual);
}

const refused = (words: readonly string[], says: RegExp) =>
  assert.throws(
    () => read(words),
    (error) => error instanceof Malformed && says.test(error.message),
  );

test("Without any flag the chain is empty, flows are told, and everybody may connect.", () => {
  assert.deepEqual(read([]), {
    plugins: [],
    logLevel: "info",
    logFile: undefined,
    trace: false,
    json: false,
    background: false,
    graceMs: 5000,
    allowFrom: undefined,
  });
});

for (const [words, level, trace] of [
  [["--log", "warn"], "warn", false],
  [["--log", "debug", "-q"], "debug", false],
  [["-q"], "error", false],
  [["-v"], "debug", false],
  [["-vv"], "debug", true],
  [["-v", "-q"], "error", false],
  [["-q", "-v"], "debug", false],
  [["-o", "LogLevel=QUIET"], "silent", false],
  [["-o", "LogLevel=FATAL"], "error", false],
  [["-o", "LogLevel=VERBOSE"], "info", false],
  [["-o", "LogLevel=DEBUG"], "debug", false],
  [["-o", "LogLevel=DEBUG3"], "debug", true],
] as const) {
  test(`${words.join(" ")} is the level ${level}${trace ? ", with ssh2's trace" : ""}.`, () => {
    const settings = read(words);
    assert.deepEqual([settings.logLevel, settings.trace], [level, trace]);
    // The usual level is only for whoever asks for none.
    assert.equal(read(words, "warn").logLevel, level);
  });
}

test("Another usual level holds where none is asked for.", () => {
  assert.equal(read([], "warn").logLevel, "warn");
});

test("--use, --rate-limit and --capture make the chain in the order given, and options of the capture join it.", () => {
  const words = [
    "--capture-snaplen",
    "96",
    "--rate-limit",
    "1MB/s",
    "--capture",
    "-",
    "--use",
    "log",
    "--capture-legs=1,3",
  ];
  const { plugins } = read(words);
  assert.deepEqual(
    plugins.map(({ name, options }) => [name, Object.fromEntries(options)]),
    [
      ["limit", { rate: "1MB/s" }],
      ["capture", { file: "-", legs: "1,3", snaplen: "96" }],
      ["log", {}],
    ],
  );
  assert.deepEqual([capturesToStdout(plugins), capturesToStdout([])], [true, false]);
});

test("--allow-from takes several, with commas and again.", () => {
  const { allowFrom } = read(["--allow-from", "10.0.0.0/8,::1", "--allow-from", "192.0.2.7"]);
  assert.deepEqual(allowFrom, parseNetworks("10.0.0.0/8,::1,192.0.2.7"));
});

test("A grace is never longer than a timer can wait.", () => {
  assert.equal(read(["--grace", "250ms"]).graceMs, 250);
  assert.equal(read(["--grace", "9999999999"]).graceMs, longestTimerMs);
});

test("What is wrong is named with its flag.", () => {
  refused(["--allow-from", "intranet"], /^--allow-from intranet: "intranet" is no network/);
  refused(["--log", "loud"], /^--log loud: not one of/);
  refused(["--grace", "soon"], /^--grace soon: /);
  refused(["--capture-legs", "1"], /^--capture-legs needs --capture FILE/);
  refused(["--capture-snaplen", "1"], /^--capture-snaplen needs --capture FILE/);
  refused(["--json", "--capture", "-"], /^--json and --capture - cannot both have stdout/);
});
