import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { noMounts, startDropbear } from "../../kit/dropbear.ts";
import { need } from "../../kit/packages.ts";
import { descendants } from "../../kit/processes.ts";
import { run } from "../../kit/run.ts";

const missing = need("ssh", "dropbear", "dropbearkey", "ssh-keygen", "unshare", "mount");

test("Plain ssh logs in to dropbear with the kit's key, and finds a home that is the kit's.", {
  skip: missing || noMounts,
  timeout: 30_000,
}, async () => {
  const before = keysOfTester();
  const below = descendants(process.pid).length;
  {
    await using dropbear = await startDropbear();
    const told = await run("ssh", [...dropbear.sshArgs, dropbear.host, "echo $HOME"]);
    assert.deepEqual([told.code, told.stdout], [0, `${dropbear.directory}\n`], told.stderr);
    await dropbear.logged(/Pubkey auth succeeded for /);
  }
  assert.equal(descendants(process.pid).length, below, "nothing of it is left");
  assert.deepEqual(keysOfTester(), before, "nobody's own keys were touched");
});

function keysOfTester(): unknown {
  const file = join(homedir(), ".ssh", "authorized_keys");
  return existsSync(file) ? statSync(file).mtimeMs : "none";
}
