import assert from "node:assert/strict";
import { test } from "node:test";
import { PasswordMethod } from "../../../../src/ssh/login/password-method.ts";
import { Answers, ctrlC } from "../../../kit/answers.ts";
import { authContext } from "../../../kit/auth-context.ts";

async function method(...answers: ConstructorParameters<typeof Answers>) {
  const context = await authContext();
  const prompter = new Answers(...answers);
  return { context, prompter, method: new PasswordMethod(context, prompter) };
}

test("A password is asked for without an echo, with whose it is, and sent as that user's.", async () => {
  const { context, prompter, method: password } = await method("s3cret");
  assert.deepEqual(await password.next(), { type: "password", username: "anna", password: "s3cret" });
  assert.equal(prompter.text, "secret anna@vishnu's password: ");
  assert.deepEqual(context.record.attempts, [{ method: "password", answer: undefined }]);
  assert.equal(context.record.needs, "person");
});

test("It is asked for as often as is wanted and no more, and after the first time it is said why.", async () => {
  const { prompter, method: password } = await method("one", "two", "three");
  const sent = [await password.next(), await password.next(), await password.next(), await password.next()];
  assert.deepEqual(
    sent.map((attempt) => attempt !== undefined && "password" in attempt && attempt.password),
    ["one", "two", "three", false],
  );
  assert.deepEqual(
    prompter.shown.map(({ how, text }) => `${how} ${text}`),
    [
      "secret anna@vishnu's password: ",
      "inform Permission denied, please try again.",
      "secret anna@vishnu's password: ",
      "inform Permission denied, please try again.",
      "secret anna@vishnu's password: ",
    ],
  );
});

test("No password is ever written into the record or the log.", async () => {
  const { context, method: password } = await method("s3cret", "n3w", "n3w");
  await password.next();
  await password.change("expired");
  assert.doesNotMatch(JSON.stringify(context.record) + context.log.text, /s3cret|n3w/);
});

test("Ctrl-C at the question ends it, and nothing was tried.", async () => {
  const { context, method: password } = await method(ctrlC);
  await assert.rejects(password.next(), { code: "cancelled" });
  assert.deepEqual(context.record.attempts, []);
});

test("A password that must be changed is asked for twice, with the server's words, and the old one is repeated.", async () => {
  const { prompter, method: password } = await method("old", "new", "new");
  await password.next();
  assert.deepEqual(await password.change("Your password\u001b[2J has expired.\r\n"), { old: "old", fresh: "new" });
  assert.equal(
    prompter.text,
    [
      "secret anna@vishnu's password: ",
      "inform Your password\\x1b[2J has expired.",
      "secret Enter anna@vishnu's new password: ",
      "secret Retype anna@vishnu's new password: ",
    ].join("\n"),
  );
});

test("Two that differ are asked for again, and a second change repeats the newer one.", async () => {
  const { prompter, method: password } = await method("old", "new", "nwe", "new", "new", "newer", "newer");
  await password.next();
  assert.deepEqual(await password.change(""), { old: "old", fresh: "new" });
  assert.match(prompter.text, /inform Mismatch; try again/);
  assert.deepEqual(await password.change(""), { old: "new", fresh: "newer" });
});

test("An empty new password is a no, and so is a demand before any password was sent.", async () => {
  const { method: password } = await method("old", "");
  await password.next();
  assert.equal(await password.change(""), undefined);
  const early = await method("new");
  assert.equal(await early.method.change(""), undefined);
});
