/** The table of keywords beside ssh itself, of both versions: what ssh refuses is refused, and what it takes is taken. */
import assert from "node:assert/strict";
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

const values = ["yes", "no", "quux", '""', "7", "a b", "none", "1m"];

/**
 * Judged at another time, or more strictly: names of hosts, jump hosts and masks. `-G` looks names up for CNAMEs.
 * Several RevokedHostKeys are taken by a newer ssh than these.
 */
const apart =
  /^RevokedHostKeys=a b$|^ProxyJump=|^StreamLocalBindMask=1m$|^CanonicalizePermittedCNAMEs=|^ForkAfterAuthentication=/i;

test(
  "Each keyword takes and refuses the values that ssh -G takes and refuses, on the line and in a file.",
  limits,
  async () => {
    const names = [
      ...keywordNames.filter((name) => !name.startsWith("Porthop")),
      ...otherNames(),
      ...oldNames.split(" "),
    ];
    const rows = names.flatMap((name) => values.map((value) => `${name}=${value}`)).filter((row) => !apart.test(row));
    const wrong: string[] = [];
    const judge = async (row: string) => {
      const theirs = await Promise.all(opensshes().map(({ ssh }) => sshTakes(ssh, row)));
      const known = theirs.filter((each) => each !== undefined);
      // Of another system, or of a newer version.
      if (known.length === 0 && findOther(row.split("=", 1)[0] ?? "") !== undefined) return;
      const ours = [taken(["-L", "1:a:1", "-o", row, "h"]), taken(["-L", "1:a:1", "h"], `${row}\n`)];
      const [onLine, inFile] = ours;
      const takes = known.some((each) => each);
      const isRight = takes ? onLine !== "refused" && inFile === "taken" : onLine === "refused" && inFile === "refused";
      if (!isRight) wrong.push(`${row}: ssh ${takes ? "takes" : "refuses"} it, porthop: ${ours.join(", ")}`);
    };
    const left = rows.values();
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (const row of left) await judge(row);
      }),
    );
    assert.deepEqual(wrong, []);
    assert.ok(rows.length > 800, `${rows.length} rows`);
  },
);

/** Undefined when this ssh does not know the keyword. */
async function sshTakes(ssh: string, row: string): Promise<boolean | undefined> {
  const { code, stderr } = await run(ssh, ["-F", "none", "-G", "-o", row, "h"]);
  return /Bad configuration option/.test(stderr) ? undefined : code === 0;
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
