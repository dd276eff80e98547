/** The table of keywords beside ssh itself, of both versions: what ssh refuses is refused, and what it takes is taken. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findKeyword } from "../../../../src/config/file/keyword.ts";
import { findOther, otherNames } from "../../../../src/config/file/other-keywords.ts";
import { readRunSettings } from "../../../../src/config/run-settings.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { names as keywordNames } from "../../../kit/keyword-values.ts";
import { memoryConfig } from "../../../kit/memory-config.ts";
import { opensshes } from "../../../kit/openssh.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";
import { tempDirectory } from "../../../kit/temp.ts";

const directory = tempDirectory("other-keywords");
let files = 0;

const limits = { skip: need("ssh"), timeout: 300_000 };

test("All keywords of ssh_config(5) are known, here or there.", limits, async () => {
  for (const { ssh } of opensshes()) {
    // What -G prints are the names of keywords, but for the host it was asked about.
    const { stdout } = await run(ssh, ["-G", "-F", "none", "web"]);
    const names = new Set(stdout.split("\n").flatMap((line) => line.split(" ", 1)[0] ?? []));
    for (const name of [...names].filter((each) => each !== "" && each !== "host")) {
      assert.ok(findKeyword(name) !== undefined || findOther(name) !== undefined, name);
    }
  }
});

const oldNames =
  "ChallengeResponseAuthentication SkeyAuthentication TISAuthentication DSAAuthentication IdentityFile2 KeepAlive PubkeyAcceptedKeyTypes SmartcardDevice ProtocolKeepAlives SetupTimeOut Foo";

const values = [
  "yes",
  "no",
  "quux",
  '""',
  "7",
  "a b",
  "none",
  "1m",
  "TRUE",
  "force",
  "ask",
  "a,b",
  "a=b",
  "~/x",
  "1m 2",
];

/**
 * Judged at another time, or more strictly: addresses, jump hosts and masks. `-G` looks names up for CNAMEs.
 * Several RevokedHostKeys are taken by a newer ssh than these.
 */
const apart =
  /^RevokedHostKeys=.* |^BindAddress=[a~]|^ProxyJump=|^StreamLocalBindMask=|^CanonicalizePermittedCNAMEs=|^ForkAfterAuthentication=/i;

test(
  "Each keyword takes and refuses the values that ssh -G takes and refuses, on the line and in a file.",
  limits,
  async () => {
    const names = [
      ...keywordNames.filter((name) => !name.startsWith("Porthop")),
      ...otherNames(),
      ...oldNames.split(" "),
    ];
    const wrong: string[] = [];
    let count = 0;
    for (const value of values) {
      // One line for each keyword: of two lines for one keyword, ssh judges some values of the first one only.
      const rows = names.map((name) => `${name}=${value}`).filter((row) => !apart.test(row));
      count += rows.length;
      const theirs = await Promise.all(opensshes().map(({ ssh }) => verdicts(ssh, rows)));
      for (const row of rows) {
        const known = theirs.flatMap((verdict) => verdict.get(row) ?? []);
        // Of another system, or of a newer version.
        if (known.length === 0 && (row.startsWith("Tag=") || findOther(row.split("=", 1)[0] ?? "") !== undefined))
          continue;
        const ours = [taken(["-L", "1:a:1", "-o", row, "h"]), taken(["-L", "1:a:1", "h"], `${row}\n`)];
        const [onLine, inFile] = ours;
        const takes = known.includes("taken");
        const isRight = takes ? onLine !== "refused" && inFile === "taken" : ours.every((each) => each === "refused");
        if (!isRight) wrong.push(`${row}: ssh ${takes ? "takes" : "refuses"} it, porthop: ${ours.join(", ")}`);
      }
    }
    assert.deepEqual(wrong, []);
    assert.ok(count > 1800, `${count} rows`);
  },
);

/**
 * What ssh does with each line, without those that it does not know. ssh reads a file to its end and names each wrong
 * line, so that a few starts judge hundreds of lines. Where that leaves a doubt, each half is judged by itself.
 */
async function verdicts(ssh: string, rows: readonly string[]): Promise<ReadonlyMap<string, "taken" | "refused">> {
  const [only, ...others] = rows;
  if (only === undefined) return new Map();
  const file = join(directory, `${files++}`);
  writeFileSync(file, `${rows.join("\n")}\n`, { mode: 0o600 });
  const { code, stderr } = await run(ssh, ["-F", file, "-G", "h"]);
  if (code === 0) return new Map(rows.map((row) => [row, "taken"]));
  const unknown = linesIn(stderr, /line (\d+): Bad configuration option/g, rows);
  if (others.length === 0) return new Map(unknown.size > 0 ? [] : [[only, "refused"]]);
  const bad = linesIn(stderr, /line (\d+):? (?!.*(?:Unsupported|Deprecated) option)/g, rows);
  if (bad.size > 0 && bad.size === Number(/terminating, (\d+) bad configuration options/.exec(stderr)?.[1])) {
    const refused = [...bad].filter((row) => !unknown.has(row)).map((row) => [row, "refused"] as const);
    const rest = rows.filter((row) => !bad.has(row));
    return new Map([...refused, ...(await verdicts(ssh, rest))]);
  }
  const half = Math.ceil(rows.length / 2);
  const halves = await Promise.all([verdicts(ssh, rows.slice(0, half)), verdicts(ssh, rows.slice(half))]);
  return new Map(halves.flatMap((each) => [...each]));
}

function linesIn(stderr: string, pattern: RegExp, rows: readonly string[]): ReadonlySet<string> {
  return new Set([...stderr.matchAll(pattern)].map(([, number]) => rows[Number(number) - 1] ?? ""));
}

function taken(words: readonly string[], config = ""): "taken" | "lacking" | "refused" {
  try {
    readRunSettings(words, memoryConfig({ "/home/anna/.ssh/config": config }));
    return "taken";
  } catch (error) {
    assert.ok(error instanceof PorthopError, String(error));
    return /^porthop does not have /.test(error.message) || error.message.includes("porthop runs commands only")
      ? "lacking"
      : "refused";
  }
}
