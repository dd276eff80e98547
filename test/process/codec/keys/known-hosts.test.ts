import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { formatKnownHost, matchesHost, parseKnownHosts } from "../../../../src/codec/keys/known-hosts.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const missing = need("ssh-keygen");
const blob = writeStrings("ssh-ed25519", Buffer.alloc(32, 7));
const base64 = blob.toString("base64");
const key = `ssh-ed25519 ${base64}`;

/** The lines of the file that ssh-keygen finds for a name. */
async function linesFound(file: string, name: string): Promise<number[]> {
  const { stdout } = await run("ssh-keygen", ["-f", file, "-F", name]);
  return [...stdout.matchAll(/found: line (\d+)/g)].map((match) => Number(match[1]));
}

function linesMatched(file: string, name: string): number[] {
  const { entries } = parseKnownHosts(readFileSync(file, "utf8"));
  return entries.filter((entry) => matchesHost(entry, name)).map(({ line }) => line);
}

test("A file is searched with the same result as ssh-keygen -F, before and after ssh-keygen -H hashed it", {
  skip: missing,
}, async () => {
  const folder = tempDirectory("known-hosts");
  const file = join(folder, "known_hosts");
  const lines = [
    `vishnu ${key}`,
    `Brahma,10.0.0.1 ${key} comment`,
    `[vishnu]:2222 ${key}`,
    `*.example,!secret.example ${key}`,
    `!*,vishnu ${key}`,
    `[*.example]:22?? ${key}`,
    `# comment`,
    ``,
    `broken`,
    `vishnu,,x ${key}`,
    `  indra\t${key}`,
    `[::1]:2222,fe80::1 ${key}`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const names = [
    "vishnu",
    "brahma",
    "10.0.0.1",
    "[vishnu]:2222",
    "a.example",
    "secret.example",
    "[secret.example]:2201",
    "[a.example]:220",
    "indra",
    "[::1]:2222",
    "fe80::1",
    "x",
    "nobody",
  ];
  for (const name of names) assert.deepEqual(linesMatched(file, name), await linesFound(file, name), name);
  // ssh-keygen hashes no file that has a broken line.
  writeFileSync(file, `${lines.filter((line) => line !== "broken").join("\n")}\n`);
  assert.equal((await run("ssh-keygen", ["-H", "-f", file])).code, 0);
  assert.match(readFileSync(file, "utf8"), /^\|1\|/m);
  for (const name of names) assert.deepEqual(linesMatched(file, name), await linesFound(file, name), `hashed: ${name}`);
  removeTemp(folder);
});

test("What porthop adds, ssh-keygen finds", { skip: missing }, async () => {
  const folder = tempDirectory("known-hosts");
  const file = join(folder, "known_hosts");
  const names = ["vishnu", "[vishnu]:2222", "[::1]:2222", "fe80::1%eth0"];
  const added = names.flatMap((name) => [
    formatKnownHost({ name, blob }),
    formatKnownHost({ name, blob, salt: randomBytes(20) }),
  ]);
  writeFileSync(file, `${added.join("\n")}\n`);
  for (const [index, name] of names.entries()) {
    assert.deepEqual(await linesFound(file, name), [index * 2 + 1, index * 2 + 2], name);
  }
  removeTemp(folder);
});

test("Random patterns select the same hosts as in ssh-keygen -F", { skip: missing }, async () => {
  const folder = tempDirectory("known-hosts");
  const file = join(folder, "known_hosts");
  const pattern = fc.stringMatching(/^!?[ab*?.]{1,6}$/);
  const list = fc.array(pattern, { minLength: 1, maxLength: 4 }).map((patterns) => patterns.join(","));
  const lists = fc.sample(list, { numRuns: 400, seed: 20 });
  writeFileSync(file, lists.map((hosts) => `${hosts} ${key}\n`).join(""));
  for (const name of fc.sample(fc.stringMatching(/^[ab.]{1,6}$/), { numRuns: 25, seed: 21 })) {
    assert.deepEqual(linesMatched(file, name), await linesFound(file, name), name);
  }
  removeTemp(folder);
});
