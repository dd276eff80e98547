import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printDestination } from "../../../src/codec/words/destination.ts";
import { longestTimerMs } from "../../../src/config/file/keyword-record.ts";
import { readRunSettings } from "../../../src/config/run-settings.ts";
import { PorthopError } from "../../../src/errors.ts";
import { rounds } from "../../kit/effort.ts";
import { hostileText } from "../../kit/hostile-text.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

const file = "/home/anna/.ssh/config";

/** The words are those of run, without the forward and the destination. */
function read(words: readonly string[], config = "", destination: readonly string[] = ["web"]) {
  return readRunSettings(["-L", "80:a:1", ...words, ...destination], memoryConfig({ [file]: config }));
}

function fallbacks(words: readonly string[], config = "", destination: readonly string[] = ["web"]) {
  return read(words, config, destination).link.fallbacks.map(printDestination);
}

function refused(words: readonly string[], message: string): void {
  assert.throws(
    () => read(words),
    (error) => {
      assert.ok(error instanceof PorthopError, String(error));
      assert.deepEqual([error.code, error.message], ["usage", message]);
      return true;
    },
  );
}

test("Without any flag a lost session comes back, a new connection waits half a minute, and one server is all.", () => {
  assert.deepEqual(read([]).link, {
    reconnect: "auto",
    holdMs: 30_000,
    sessions: 1,
    fallbacks: [],
    checksTargets: false,
  });
});

test("Each flag is read, and of a flag that is given twice the last one counts, but for --fallback.", () => {
  const words = "--reconnect never --reconnect always --hold 1m --hold 0 --sessions 2 --sessions 8 --check-target";
  const more = ["--fallback", "bob@db:2222", "--fallback", "ssh://[::1]:22"];
  assert.deepEqual(read([...words.split(" "), ...more]).link, {
    reconnect: "always",
    holdMs: 0,
    sessions: 8,
    fallbacks: [
      { user: "bob", host: "db", port: 2222 },
      { user: undefined, host: "::1", port: 22 },
    ],
    checksTargets: true,
  });
});

for (const [words, message] of [
  [["--reconnect", "maybe"], "--reconnect maybe: not one of never, auto, always"],
  [["--reconnect="], "--reconnect needs a value"],
  [["--hold", "-3s"], '--hold -3s: "-3s" is not a duration such as 250ms, 30s or 1m30s'],
  [["--hold", "soon"], '--hold soon: "soon" is not a duration such as 250ms, 30s or 1m30s'],
  [["--sessions", "0"], "--sessions 0: not a number from 1 to 8"],
  [["--sessions", "9"], "--sessions 9: not a number from 1 to 8"],
  [["--sessions", "2x"], "--sessions 2x: not a number from 1 to 8"],
  [["--sessions", "02"], "--sessions 02: not a number from 1 to 8"],
  [["--fallback", "db:99999"], '--fallback: destination db:99999: "99999" is not a port (1 to 65535)'],
  [["--fallback", "-x"], '--fallback needs a value, and "-x" is a flag'],
  [["--fallback", "-z"], '--fallback: destination -z: host "-z" begins with "-"'],
  [
    ["--fallback", "ssh://bob:secret@db"],
    "--fallback: destination ssh://bob:***@db: a password is not taken from a destination",
  ],
  [["--check-target=yes"], '--check-target takes no value, but "yes" was given'],
  [["-o", "PorthopSessions=9"], 'PorthopSessions: "9" is not a number from 1 to 8'],
  [["-o", "PorthopReconnect=maybe"], 'PorthopReconnect: "maybe" is not one of never, auto, always'],
  [["-o", "PorthopHold=soon"], 'PorthopHold: "soon" is not a duration such as 250ms, 30s or 1m30s'],
  [["-o", "PorthopFallback=-x"], 'PorthopFallback: destination -x: host "-x" begins with "-"'],
  [["-o", "PorthopCheckTarget=1"], 'PorthopCheckTarget: "1" is not yes or no'],
] as const) {
  test(`${words.join(" ")} is a usage error: ${message}`, () => refused(words, message));
}

test("Whoever wants to wait for ever is told what can be said.", () => {
  assert.throws(() => read(["--hold", "forever"]), { hint: "0 refuses at once, 24h is a long wait" });
});

test("A hold is never longer than a timer can wait.", () => {
  assert.equal(read(["--hold", "100w"]).link.holdMs, longestTimerMs);
});

test("Each keyword of a file is the flag that it stands for, and a flag is stronger.", () => {
  const config =
    "PorthopReconnect always\nPorthopHold 1m30s\nPorthopSessions 3\nPorthopFallback db1\nPorthopFallback db2\n" +
    "PorthopCheckTarget yes\n";
  const { link } = read([], config);
  const { fallbacks: others, ...rest } = link;
  assert.deepEqual(rest, { reconnect: "always", holdMs: 90_000, sessions: 3, checksTargets: true });
  assert.deepEqual(others.map(printDestination), ["db1", "db2"]);
  const typed = read(
    "--reconnect never --hold 1s --sessions 1 --fallback other -o PorthopCheckTarget=no".split(" "),
    config,
  ).link;
  assert.deepEqual(
    { ...typed, fallbacks: typed.fallbacks.map(printDestination) },
    { reconnect: "never", holdMs: 1000, sessions: 1, fallbacks: ["other"], checksTargets: false },
  );
});

test("An -o counts before the file, as it does for other keywords.", () => {
  const config = "PorthopHold 1m\nPorthopFallback db2\n";
  const { link } = read(["-o", "PorthopHold=2s", "-o", "PorthopFallback=db1"], config);
  assert.deepEqual([link.holdMs, link.fallbacks.map(printDestination)], [2000, ["db1", "db2"]]);
});

test("none ends the list of fallbacks: a Host can do without those of all hosts.", () => {
  const config = "Host web\n PorthopFallback db1\n PorthopFallback none\nHost *\n PorthopFallback db2\n";
  assert.deepEqual(fallbacks([], config), ["db1"]);
  assert.deepEqual(fallbacks(["--fallback", "none"], config), []);
  assert.deepEqual(fallbacks([], config, ["other"]), ["db2"]);
});

test("A fallback may be a Host with a colon in its name.", () => {
  const config = "Host aws:22\n User x\n";
  assert.deepEqual(read(["--fallback", "aws:22"], config).link.fallbacks, [
    { user: undefined, host: "aws:22", port: undefined },
  ]);
  assert.deepEqual(read(["--fallback", "aws:22"]).link.fallbacks, [{ user: undefined, host: "aws", port: 22 }]);
});

test("A fallback that is there already, or is the destination itself, is tried once, and that is said.", () => {
  const remarksOf = (...words: string[]) => read(words).keywords.remarks;
  assert.deepEqual(fallbacks(["--fallback", "db", "--fallback", "DB:22", "--fallback", "bob@db"]), ["db", "bob@db"]);
  assert.deepEqual(remarksOf("--fallback", "db", "--fallback", "DB:22"), [
    "--fallback DB:22 is named before, and is tried once",
  ]);
  const itself = "is the destination itself, and is tried once";
  assert.deepEqual(fallbacks(["--fallback", "Web"]), []);
  assert.deepEqual(remarksOf("--fallback", "Web"), [`--fallback Web ${itself}`]);
  assert.deepEqual(remarksOf("--fallback", "web:22"), [`--fallback web:22 ${itself}`]);
  assert.deepEqual(remarksOf("--fallback", "db", "--fallback", "bob@web", "--fallback", "web:23"), []);
});

test("The destination's name with another port is another server, and with the port of the flags it is none.", () => {
  const words = ["-p", "2222", "--fallback", "web", "--fallback", "web:22", "--fallback", "web:2222"];
  assert.deepEqual(fallbacks(words), ["web:22"]);
});

test("A fallback of a file is for many hosts: where it is the destination itself, nothing is said.", () => {
  const { link, keywords } = read([], "IgnoreUnknown Porthop*\nPorthopFallback web\nPorthopFallback db\n");
  assert.deepEqual(link.fallbacks.map(printDestination), ["db"]);
  assert.deepEqual([keywords.remarks, keywords.warnings], [[], []]);
});

test("What runs once is never begun anew, and whoever asks for that is told.", () => {
  const told = (words: readonly string[], config = "") => {
    const { link, keywords } = readRunSettings(words, memoryConfig({ [file]: config }));
    return [link.reconnect, ...keywords.remarks];
  };
  const effectless = (word: string, what: string) =>
    `--reconnect ${word} has no effect beside ${what}, which cannot begin anew`;
  for (const [words, what] of [
    [["-W", "a:1", "web"], "-W"],
    [["web", "ls"], "a command"],
    [["-t", "web"], "a command"],
  ] as const) {
    assert.deepEqual(told(words), ["never"]);
    assert.deepEqual(told(["--reconnect", "never", ...words]), ["never"]);
    assert.deepEqual(told(["--reconnect", "auto", ...words]), ["never", effectless("auto", what)]);
    assert.deepEqual(told(["-o", "PorthopReconnect=Always", ...words]), ["never", effectless("always", what)]);
    assert.deepEqual(told(words, "PorthopReconnect always\n"), ["never"]);
  }
});

test("One connection, or a command alone, has one session; beside forwards a command has as many as were said.", () => {
  const told = (words: readonly string[], config = "") => {
    const { link, keywords } = readRunSettings(words, memoryConfig({ [file]: config }));
    return [link.sessions, ...keywords.remarks];
  };
  assert.deepEqual(told(["--sessions", "2", "-W", "a:1", "web"]), [
    1,
    "--sessions 2 has no effect: -W needs one session",
  ]);
  assert.deepEqual(told(["--sessions", "2", "web", "ls"]), [
    1,
    "--sessions 2 has no effect: a command needs one session",
  ]);
  assert.deepEqual(told(["--sessions", "1", "web", "ls"]), [1]);
  assert.deepEqual(told(["web", "ls"], "PorthopSessions 2\n"), [1]);
  assert.deepEqual(told(["--sessions", "2", "-L", "80:a:1", "web", "sleep", "9"]), [2]);
  assert.deepEqual(told(["--sessions", "2", "-N", "web"]), [2]);
});

const value = hostileText("never", "auto", "8", "30s", "none", "db:22", "bob@db", "ssh://", "[::1]", "@", ":");
const flag = fc.constantFrom("--reconnect", "--hold", "--sessions", "--fallback");

test("Any values are settings that can be used, or a usage error that names the flag.", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(flag, value), { maxLength: 4 }), (pairs) => {
      try {
        const { link } = read(pairs.flat());
        assert.ok(link.holdMs >= 0 && link.holdMs <= longestTimerMs);
        assert.ok(Number.isInteger(link.sessions) && link.sessions >= 1 && link.sessions <= 8);
        assert.equal(new Set(link.fallbacks.map(printDestination)).size, link.fallbacks.length);
      } catch (error) {
        assert.ok(error instanceof PorthopError && error.code === "usage", String(error));
        assert.match(error.message, /^--(reconnect|hold|sessions|fallback)\b/);
        assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}]/u);
      }
    }),
    { numRuns: rounds(2000) },
  );
});
