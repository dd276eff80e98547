import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { parsePublicKey, recognizeKey } from "../../../../src/codec/keys/key-text.ts";
import type { PorthopError } from "../../../../src/errors.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { KeyFile, KeyUnusable, type Opening } from "../../../../src/ssh/login/key-file.ts";
import type { Prompter } from "../../../../src/ssh/prompter.ts";
import { Answers, ctrlC } from "../../../kit/answers.ts";
import { need } from "../../../kit/packages.ts";
import { makeSshKey } from "../../../kit/ssh-server.ts";
import { makeKey } from "../../../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const limits = { skip: need("ssh-keygen"), timeout: 30_000 };
const folder = tempDirectory("key-file");
after(() => removeTemp(folder));
const ssh2 = await loadSsh2();

let made = 0;

/** A key of ssh-keygen's: its text and its public part. */
function key(passphrase = "") {
  const path = makeKey(join(folder, `key-${++made}`), "ed25519", passphrase);
  const publicBlob = parsePublicKey(readFileSync(`${path}.pub`, "utf8"));
  return { text: readFileSync(path, "utf8"), publicBlob };
}

function keyFile(text: string, publicBlob: Buffer | undefined): KeyFile {
  return new KeyFile({ label: "~/.ssh/id", text, recognized: recognizeKey(text), publicBlob });
}

const opening = (prompter?: Prompter, prompts = 3): Opening => ({ ssh2, prompter, prompts });

async function unusable(promise: Promise<unknown>): Promise<KeyUnusable> {
  const error: unknown = await promise.then(
    () => assert.fail("it could be used"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof KeyUnusable, String(error));
  return error;
}

test("A key without a passphrase is opened without a question, and signs.", limits, async () => {
  const { text, publicBlob } = key();
  const opened = await keyFile(text, publicBlob).open(opening());
  assert.ok(publicBlob !== undefined && opened.blob.equals(publicBlob));
  const parsed = ssh2.utils.parseKey(publicBlob);
  assert.ok(!(parsed instanceof Error));
  const data = Buffer.from("data");
  assert.equal(parsed.verify(data, opened.sign(data, undefined)), true);
});

test("A locked key asks for its passphrase once in a run, however often it is opened.", limits, async () => {
  const { text, publicBlob } = key("correct horse");
  const file = keyFile(text, publicBlob);
  const person = new Answers("correct horse");
  const opened = await file.open(opening(person));
  assert.equal(await file.open(opening(person)), opened);
  assert.equal(await file.open(opening()), opened, "and then nobody has to be there");
  assert.equal(person.text, "secret Enter passphrase for key '~/.ssh/id': ");
});

test("A wrong passphrase is asked for again, as often as is wanted.", limits, async () => {
  const { text, publicBlob } = key("correct horse");
  const second = new Answers("wrong", "correct horse");
  await keyFile(text, publicBlob).open(opening(second));
  const never = new Answers("battery", "staple");
  const error = await unusable(keyFile(text, publicBlob).open(opening(never, 2)));
  assert.deepEqual([error.reason, error.message], ["passphrase", "wrong passphrase for ~/.ssh/id"]);
  assert.equal(never.shown.length, 2);
  assert.doesNotMatch(error.message + error.stack, /battery|staple/);
});

test("No answer means to go on without this key, and Ctrl-C to go on with nothing.", limits, async () => {
  const { text, publicBlob } = key("correct horse");
  const error = await unusable(keyFile(text, publicBlob).open(opening(new Answers(""))));
  assert.deepEqual([error.reason, error.message], ["passphrase", "no passphrase was given for ~/.ssh/id"]);
  const cancelled: unknown = await keyFile(text, publicBlob)
    .open(opening(new Answers(ctrlC)))
    .catch((thrown: unknown) => thrown);
  assert.equal((cancelled as PorthopError).code, "cancelled");
});

test(
  "A locked key is no use where there is nobody to ask, and can still be opened when there is.",
  limits,
  async () => {
    const { text, publicBlob } = key("correct horse");
    const file = keyFile(text, publicBlob);
    const error = await unusable(file.open(opening()));
    assert.equal(error.reason, "nobody");
    assert.match(error.message, /~\/\.ssh\/id is locked by a passphrase/);
    await file.open(opening(new Answers("correct horse")));
  },
);

test("A public part that belongs to another key is found out.", limits, async () => {
  const other = key();
  const error = await unusable(keyFile(key().text, other.publicBlob).open(opening()));
  assert.deepEqual([error.reason, error.message], ["format", "~/.ssh/id and ~/.ssh/id.pub are two different keys"]);
});

test("Without a public part beside it the key tells it once it is opened.", limits, async () => {
  const { text, publicBlob } = key();
  const file = keyFile(text, undefined);
  assert.equal(file.publicBlob, undefined);
  assert.ok(publicBlob !== undefined && (await file.open(opening())).blob.equals(publicBlob));
});

test("A key that looks well and is broken inside says what is wrong, with its name.", async () => {
  const { private: text } = makeSshKey();
  const lines = text.trim().split("\n");
  const middle = Math.floor(lines.length / 2);
  const broken = lines.toSpliced(middle, 1, `${"A".repeat(lines[middle]?.length ?? 0)}`).join("\n");
  const file = new KeyFile({
    label: "~/.ssh/id",
    text: broken,
    recognized: { format: "openssh", locked: false },
    publicBlob: undefined,
  });
  const error = await unusable(file.open(opening()));
  assert.equal(error.reason, "format");
  assert.match(error.message, /^~\/\.ssh\/id: it cannot be read/);
});

test("Only what is a public key alone says so.", limits, async () => {
  const { text, publicBlob } = key();
  assert.equal(keyFile(text, publicBlob).isPublic, false);
  const half = new KeyFile({
    label: "x",
    text: "",
    recognized: { format: "public", locked: false },
    publicBlob,
  });
  assert.equal(half.isPublic, true);
});
