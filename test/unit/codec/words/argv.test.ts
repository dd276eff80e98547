import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { type FlagTable, type ScannedFlag, scanArgv } from "../../../../src/codec/words/argv.ts";
import { rounds } from "../../../kit/effort.ts";
import { hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

const table: FlagTable = {
  short: { L: "value", p: "value", l: "value", o: "value", N: "nothing", f: "nothing", v: "nothing", C: "nothing" },
  long: { capture: "value", json: "nothing", "rate-limit": "value", help: "nothing" },
};

function flag(flag: string, value: string | undefined, text: string): ScannedFlag {
  return { flag, value, text };
}

const N = flag("N", undefined, "-N");
const port = flag("p", "2222", "-p 2222");

interface Expected {
  readonly flags?: readonly ScannedFlag[];
  readonly destination?: string;
  readonly command?: readonly string[];
}

const understood: readonly (readonly [line: string, expected: Expected])[] = [
  ["", {}],
  ["host", { destination: "host" }],
  ["-N host", { flags: [N], destination: "host" }],
  ["host -N", { flags: [N], destination: "host" }],
  ["-p 2222 host -N ls -N", { flags: [port, N], destination: "host", command: ["ls", "-N"] }],
  ["-p2222 host", { flags: [flag("p", "2222", "-p2222")], destination: "host" }],
  ["-fNp2222 host", { flags: [flag("f", undefined, "-f"), N, flag("p", "2222", "-p2222")], destination: "host" }],
  ["-fNL 1:h:2 host", { flags: [flag("f", undefined, "-f"), N, flag("L", "1:h:2", "-L 1:h:2")], destination: "host" }],
  [
    "-L8443:h:443 -L 1:h:2 host",
    { flags: [flag("L", "8443:h:443", "-L8443:h:443"), flag("L", "1:h:2", "-L 1:h:2")], destination: "host" },
  ],
  [
    "-vvv host",
    {
      flags: [flag("v", undefined, "-v"), flag("v", undefined, "-v"), flag("v", undefined, "-v")],
      destination: "host",
    },
  ],
  ["-l 007 host", { flags: [flag("l", "007", "-l 007")], destination: "host" }],
  ["-l -N host", { flags: [flag("l", "-N", "-l -N")], destination: "host" }],
  ["-l -- host -N", { flags: [flag("l", "--", "-l --"), N], destination: "host" }],
  ["-oA=b host", { flags: [flag("o", "A=b", "-oA=b")], destination: "host" }],
  ["-- host -N", { destination: "host", command: ["-N"] }],
  ["-N -- -host", { flags: [N], destination: "-host" }],
  ["-N --", { flags: [N] }],
  ["-- host -- ls", { destination: "host", command: ["--", "ls"] }],
  ["host -- -N", { destination: "host", command: ["-N"] }],
  ["host -N -- -v", { flags: [N], destination: "host", command: ["-v"] }],
  ["host --", { destination: "host" }],
  ["host ls -- -N", { destination: "host", command: ["ls", "--", "-N"] }],
  ["host other -N", { destination: "host", command: ["other", "-N"] }],
  ["-", { destination: "-" }],
  ["host - -N", { destination: "host", command: ["-", "-N"] }],
  ["--capture out.pcap host", { flags: [flag("capture", "out.pcap", "--capture out.pcap")], destination: "host" }],
  ["--capture=out.pcap host", { flags: [flag("capture", "out.pcap", "--capture=out.pcap")], destination: "host" }],
  ["--capture - host", { flags: [flag("capture", "-", "--capture -")], destination: "host" }],
  ["--capture= host", { flags: [flag("capture", "", "--capture=")], destination: "host" }],
  ["--capture=a=b host", { flags: [flag("capture", "a=b", "--capture=a=b")], destination: "host" }],
  [
    "host --json -N ls --json",
    { flags: [flag("json", undefined, "--json"), N], destination: "host", command: ["ls", "--json"] },
  ],
];

for (const [line, { flags = [], destination, command = [] }] of understood) {
  test(`"${line}" is cut into flags, destination and command`, () => {
    const words = line === "" ? [] : line.split(" ");
    const { flagsBefore: _, ...scanned } = scanArgv(words, table);
    assert.deepEqual(scanned, { flags, destination, command });
  });
}

test("An empty word is a destination or the command, never a flag", () => {
  assert.deepEqual(scanArgv(["", ""], table), { flags: [], flagsBefore: 0, destination: "", command: [""] });
});

test("It is told how many flags stand before the destination", () => {
  const before = (line: string) => scanArgv(line.split(" "), table).flagsBefore;
  assert.deepEqual(["host -N", "-N host", "-fN host -v", "-N -- host", "-N"].map(before), [0, 1, 2, 1, 1]);
});

test("An empty word is a value where one is due", () => {
  assert.deepEqual(scanArgv(["-l", "", "host"], table).flags, [flag("l", "", "-l ")]);
});

const refused: readonly (readonly [words: readonly string[], message: string])[] = [
  [["-Z", "host"], "unknown flag -Z"],
  [["-fNZ", "host"], 'unknown flag -Z in "-fNZ"'],
  [["host", "-Z"], "unknown flag -Z"],
  [["-json"], 'unknown flag -j in "-json" (did you mean --json?)'],
  [["-\x1b[2J"], 'unknown flag -\\x1b in "-\\x1b[2J"'],
  [["-🚢"], "unknown flag -🚢"],
  [["-p"], "-p needs a value"],
  [["-fNp"], "-p needs a value"],
  [["host", "-L"], "-L needs a value"],
  [["--capture"], "--capture needs a value"],
  [["--captur", "x"], "unknown flag --captur (did you mean --capture?)"],
  [["--rate-limt=5"], "unknown flag --rate-limt (did you mean --rate-limit?)"],
  [["--nothing-like-it"], "unknown flag --nothing-like-it"],
  [["--constructor"], "unknown flag --constructor"],
  [["--__proto__=x"], "unknown flag --__proto__"],
  [["--L", "x"], "unknown flag --L"],
  [["--=x"], "unknown flag --"],
  [["---"], "unknown flag ---"],
  [["--json=yes"], '--json takes no value, but "yes" was given'],
  [["--json="], '--json takes no value, but "" was given'],
];

for (const [words, message] of refused) {
  test(`${JSON.stringify(words)} is refused: ${message}`, () => {
    assert.throws(() => scanArgv(words, table), new Malformed(message));
  });
}

const words = fc.array(hostileText("-", "--", "-N", "-f", "-p", "host", "=", "--capture", "--json", "-L", "x"), {
  maxLength: 10,
});

test("Random words are cut or refused, and none is lost, doubled or changed", () => {
  fc.assert(
    fc.property(words, (words) => {
      const scanned = readOrRefused(() => scanArgv(words, table));
      if (scanned === undefined) return;
      const { flags, destination, command } = scanned;
      assert.deepEqual(command, words.slice(words.length - command.length));
      assert.ok(destination === undefined || words.includes(destination));
      const letters = (texts: readonly string[]) => texts.join(" ").replace(/[ -]/g, "");
      assert.equal(
        [...letters([...flags.map(({ text }) => text), destination ?? "", ...command])].toSorted().join(""),
        [...letters(words)].toSorted().join(""),
      );
    }),
    { numRuns: rounds(3000) },
  );
});

test("A hundred thousand words are cut at once", () => {
  const start = performance.now();
  assert.equal(scanArgv(new Array(100_000).fill("a"), table).command.length, 99_999);
  assert.equal(scanArgv(["--", ...new Array(200_000).fill("a")], table).command.length, 199_999);
  assert.equal(scanArgv(new Array(200_000).fill("-N"), table).flags.length, 200_000);
  assert.equal(scanArgv([`-${"N".repeat(200_000)}`], table).flags.length, 200_000);
  assert.ok(performance.now() - start < 2000);
});
