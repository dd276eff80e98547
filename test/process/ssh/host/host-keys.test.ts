import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ed25519, knownHosts, load, other, text } from "../../../kit/host-keys-scene.ts";
import { need } from "../../../kit/packages.ts";
import { refusal } from "../../../kit/refusal.ts";
import { run } from "../../../kit/run.ts";

const missing = need("ssh-keygen");

test("A known key is accepted, plain or hashed, from any of the files, whatever else they hold", {
  skip: missing,
}, async () => {
  const hashed = knownHosts(`vishnu ${text(ed25519)}`);
  await run("ssh-keygen", ["-q", "-H", "-f", hashed]);
  assert.match(readFileSync(hashed, "utf8"), /^\|1\|/);
  for (const path of [
    knownHosts("broken", `vishnu ${text(ed25519)}`),
    knownHosts(`vishnu ${text(other)}`, `vish* ${text(ed25519)}`),
    hashed,
  ]) {
    const hostKeys = await load(path, { strict: "yes" });
    await hostKeys.verify(ed25519);
    assert.match(hostKeys.grounds ?? "", /^known in .*:\d+$/);
  }
  const second = await load(knownHosts(), { strict: "yes", globalFiles: [knownHosts(`vishnu ${text(ed25519)}`)] });
  await second.verify(ed25519);
});

test("The command that removes a changed key can be pasted: a name in brackets is quoted", {
  skip: missing,
}, async () => {
  const path = knownHosts(`[vishnu]:2222 ${text(other)}`);
  const error = await refusal((await load(path, { port: 2222 })).verify(ed25519));
  const command = /(ssh-keygen .*)$/.exec(error.hint)?.[1] ?? "";
  const { code, stderr } = await run("sh", ["-c", command]);
  assert.equal(code, 0, stderr);
  assert.equal(readFileSync(path, "utf8"), "");
});

test("With HashKnownHosts the added name is hashed, and found again", { skip: missing }, async () => {
  const path = knownHosts();
  await (await load(path, { strict: "accept-new", hashKnownHosts: true, port: 2222 })).verify(ed25519);
  assert.match(readFileSync(path, "utf8"), /^\|1\|[^|]+\|[^|]+ ssh-ed25519 /);
  assert.equal((await run("ssh-keygen", ["-f", path, "-F", "[vishnu]:2222"])).code, 0);
  await (await load(path, { strict: "yes", port: 2222 })).verify(ed25519);
});
