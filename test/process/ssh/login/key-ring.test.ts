import assert from "node:assert/strict";
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { KeyRing } from "../../../../src/ssh/login/key-ring.ts";
import { Answers } from "../../../kit/answers.ts";
import { LogLines } from "../../../kit/log-lines.ts";
import { need } from "../../../kit/packages.ts";
import { startSshServer } from "../../../kit/ssh-server.ts";
import { makeKey } from "../../../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";
import { logInWith, runTrust } from "../../../kit/trust-login.ts";

const limits = { skip: need("ssh-keygen"), timeout: 30_000 };
const folder = tempDirectory("key-ring");
after(() => removeTemp(folder));

test("A passphrase is asked for once in a run, and again when the key file was changed.", limits, async () => {
  const path = makeKey(join(folder, "id"), "ed25519", "correct horse");
  const ring = new KeyRing({ flagFiles: [path], configFiles: [], usualFiles: [], home: folder }, new LogLines());
  const ssh2 = await loadSsh2();
  const open = async (...answers: string[]) => {
    const prompter = new Answers(...answers);
    const [file] = (await ring.read()).files;
    await file?.open({ ssh2, prompter, prompts: 3 });
    return prompter.shown.length;
  };
  assert.equal(await open("correct horse"), 1);
  assert.deepEqual([await open(), await open()], [0, 0]);
  const other = makeKey(join(folder, "other"), "ed25519", "battery staple");
  for (const end of ["", ".pub"]) renameSync(`${other}${end}`, `${path}${end}`);
  assert.equal(await open("battery staple"), 1);
  assert.equal(await open(), 0);
});

test("A login with a passphrase is repeated without a person, a login with a password is not.", limits, async () => {
  const path = makeKey(join(folder, "mine"), "ed25519", "correct horse");
  const publicKey = readFileSync(`${path}.pub`, "utf8").trim();
  await using server = await startSshServer({ user: "anna", publicKey });
  const prompter = new Answers("correct horse");
  const { trust } = runTrust(server, { files: [path], prompter });
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await logInWith(server, trust), { error: undefined, needs: "nobody" });
  }
  assert.equal(prompter.shown.length, 1);
  await using other = await startSshServer({ user: "anna", password: "s3cret" });
  const asking = runTrust(other, { prompter: new Answers("s3cret") });
  assert.deepEqual(await logInWith(other, asking.trust), { error: undefined, needs: "person" });
});
