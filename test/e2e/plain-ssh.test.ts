/**
 * Configuration with porthop's own keywords that ssh itself cannot read any more: porthop tells of it exactly when `ssh -G`
 * ends with an error for some host, and what it advises is the cure.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { realSources } from "../../src/config/file/config-sources.ts";
import { Keywords } from "../../src/config/file/keyword-record.ts";
import { effectiveSettings } from "../../src/config/file/ssh-config.ts";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { freePort } from "../kit/servers.ts";
import { tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = { skip: need("ssh"), timeout: 120_000 };
const told = /ssh itself ends at Porthop\w+ with "Bad configuration option", for other hosts too: (.*)$/m;
/** Those that the configurations name, and one that none does. */
const hosts = ["db", "mac", "stranger"];

const readme = "IgnoreUnknown Porthop*\nHost db\n    HostName 127.0.0.1\n    PorthopUse limit:up=1MB/s\n";

for (const [what, config, isBroken] of [
  ["at the top", readme, false],
  ["pasted below a Host", `Host mac\n    User anna\n\n${readme}`, true],
  ["below an IgnoreUnknown of the user's", `IgnoreUnknown UseKeychain\nUseKeychain yes\n${readme}`, true],
  ["below a Host with all", `Host *\n    IgnoreUnknown Porthop*\n${readme}`, false],
  ["in a file that is included", "Host mac\nUser anna\nHost *\nInclude included\n", false],
  ["in a file that is included for one host", "Host mac\nInclude included\n", true],
] as const) {
  for (const command of ["run", "check"]) {
    test(
      `The lines of the configuration's chapter ${what}: ${command} tells of it if ssh cannot read them, and how to mend it.`,
      limits,
      async () => {
        const home = tempDirectory("plain");
        const folder = join(home, ".ssh");
        const file = join(folder, "config");
        mkdirSync(folder, { mode: 0o700 });
        writeFileSync(join(folder, "included"), readme, { mode: 0o600 });
        // ssh -F takes a relative Include for one of its own home.
        writeFileSync(file, config.replace("Include ", `Include ${folder}/`), { mode: 0o600 });
        assert.equal(await isBrokenForSsh(file), isBroken);
        const said = await saidBy(command, home);
        assert.equal(said.length, isBroken ? 1 : 0, said.join("\n"));
        const [cure] = said;
        if (cure === undefined) return;
        mend(cure);
        assert.equal(await isBrokenForSsh(file), false, readFileSync(file, "utf8"));
        assert.deepEqual(await saidBy(command, home), []);
      },
    );
  }
}

test("porthop tells of it exactly when ssh ends for some host.", limits, async () => {
  const file = join(tempDirectory("plain"), "config");
  const line = fc.constantFrom(
    ...["IgnoreUnknown Porthop*", "IgnoreUnknown UseKeychain", "IgnoreUnknown UseKeychain,PORTHOP*", "IgnoreUnknown *"],
    ...["Host db", "Host mac", "Host *", "Host * !mac", "Match all", "Match host *", "Match host mac", "User anna"],
    ...["PorthopUse limit:up=1MB/s", "PorthopLog debug"],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 2, maxLength: 7 }), async (lines) => {
      fc.pre(isPlain(lines));
      writeFileSync(file, lines.map((each) => `${each}\n`).join(""));
      const keywords = new Keywords();
      keywords.add("IgnoreUnknown", "*");
      effectiveSettings("db", keywords, realSources({}), file);
      assert.equal(
        keywords.warnings.some((warning) => told.test(warning)),
        await isBrokenForSsh(file),
      );
    }),
    { numRuns: 80, seed: 20_240, endOnFailure: true },
  );
});

/** No two blocks that together speak of all hosts, or of the same one: porthop does not compare them. */
function isPlain(lines: readonly string[]): boolean {
  const whose = lines.flatMap((line) => /^(?:Host|Match host) .*(db|mac)$/.exec(line)?.[1] ?? []);
  return new Set(whose).size === whose.length;
}

async function isBrokenForSsh(file: string): Promise<boolean> {
  const ran = await Promise.all(hosts.map((host) => run("ssh", ["-G", "-F", file, host])));
  return ran.some(({ code, stderr }) => code !== 0 && stderr.includes("Bad configuration option"));
}

/** The cures that it names. */
async function saidBy(command: string, home: string): Promise<string[]> {
  // Nobody listens there: what is said of the files comes first.
  const words = [command, "-p", String(await freePort()), "-L", `${join(home, "l.sock")}:a:1`, "127.0.0.1"];
  await using program = porthop(words, { home });
  const { stderr, code } = await program.exit;
  assert.equal(code, 255, stderr);
  return stderr.split("\n").flatMap((line) => {
    const cure = told.exec(line)?.[1];
    return cure === undefined ? [] : [cure];
  });
}

/** Does what the cure says. */
function mend(cure: string): void {
  const [, line = "", top = ""] = /^put "(.*)" at the top of (\S+)$/.exec(cure) ?? [];
  const [, file = top, number = ""] = /^add Porthop\* to the IgnoreUnknown of (\S+) line (\d+)$/.exec(cure) ?? [];
  const lines = readFileSync(file, "utf8").split("\n");
  if (number === "") lines.unshift(line);
  else lines[Number(number) - 1] += ",Porthop*";
  writeFileSync(file, lines.join("\n"));
}
