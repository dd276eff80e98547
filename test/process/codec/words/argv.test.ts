import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FlagTable, scanArgv } from "../../../../src/codec/words/argv.ts";
import { readOrRefused } from "../../../kit/hostile-text.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";

const noSsh = need("ssh");

const table: FlagTable = {
  short: { L: "value", p: "value", l: "value", o: "value", N: "nothing", f: "nothing", v: "nothing", C: "nothing" },
  long: { capture: "value", json: "nothing", "rate-limit": "value", help: "nothing" },
};

/** What ssh has made of a line, as far as it tells: flags that show in its configuration. */
async function whatSshUnderstands(words: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await run("ssh", ["-G", "-F", "none", ...words]);
  if (code !== 0) return undefined;
  const setting = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(stdout)?.[1];
  return JSON.stringify({
    destination: setting("hostname"),
    port: setting("port"),
    compression: setting("compression"),
    session: setting("sessiontype"),
    forwards: stdout.match(/^localforward .*$/gm)?.length ?? 0,
  });
}

function asSshSaysIt(words: readonly string[]): string | undefined {
  const scanned = readOrRefused(() => scanArgv(words, table));
  if (scanned?.destination === undefined) return undefined;
  const has = (letter: string) => scanned.flags.some(({ flag }) => flag === letter);
  return JSON.stringify({
    destination: scanned.destination,
    port: scanned.flags.find(({ flag }) => flag === "p")?.value ?? "22",
    compression: has("C") ? "yes" : "no",
    session: has("N") ? "none" : "default",
    forwards: scanned.flags.filter(({ flag }) => flag === "L").length,
  });
}

test("ssh cuts lines of flags, values, dashes and words as we do", { skip: noSsh }, async () => {
  const parts = ["-N", "-C", "-NC", "-p2", "-CNp3", "-p 4", "-NL 5:h:6", "-L7:h:8", "--", "-", "host", "ls", "-Q"];
  const lines = fc.sample(fc.array(fc.constantFrom(...parts), { maxLength: 6 }), { numRuns: 200, seed: 7 });
  let compared = 0;
  for (const line of lines) {
    const words = line.flatMap((part) => part.split(" "));
    const ours = asSshSaysIt(words);
    // ssh drops repeated forwards, and refuses a host that begins with a dash, which is not this codec's business.
    if (new Set(line).size < line.length || ours?.startsWith('{"destination":"-')) continue;
    assert.equal(ours, await whatSshUnderstands(words), words.join(" "));
    compared++;
  }
  assert.ok(compared > 50, `only ${compared} lines were compared`);
});
