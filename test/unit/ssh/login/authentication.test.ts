import assert from "node:assert/strict";
import { test } from "node:test";
import { Answers, ctrlC } from "../../../kit/answers.ts";
import { logIn, refusedLogin, rounds, tried } from "../../../kit/auth-login.ts";
import { startSshServer } from "../../../kit/ssh-server.ts";

const limits = { timeout: 60_000 };

test("A server that wants nothing is logged in to with nothing", limits, async () => {
  await using server = await startSshServer();
  assert.equal((await logIn(server)).error, undefined);
  assert.deepEqual(tried(server), ["none accepted"]);
});

test("A password is asked for with ssh's question, and again after a wrong one", limits, async () => {
  await using server = await startSshServer({ password: "right" });
  const prompter = new Answers("wrong", "", "right");
  const { error, log } = await logIn(server, { prompter });
  assert.equal(error, undefined);
  assert.equal(
    prompter.text,
    [
      "secret vishnu@127.0.0.1's password: ",
      "inform Permission denied, please try again.",
      "secret vishnu@127.0.0.1's password: ",
      "inform Permission denied, please try again.",
      "secret vishnu@127.0.0.1's password: ",
    ].join("\n"),
  );
  assert.doesNotMatch(log, /wrong|right/);
});

test("After three wrong passwords the login failed, and the error tells it without telling them", limits, async () => {
  await using server = await startSshServer({ password: "right" });
  const error = await refusedLogin(server, { prompter: new Answers("secret1", "secret2", "secret3") });
  assert.equal(error.code, "ssh.auth-failed");
  assert.equal(
    error.message,
    `127.0.0.1:${server.port} refused the login of "vishnu": tried password (3 times); the server takes password`,
  );
  assert.doesNotMatch(`${error.message}${error.hint}${error.stack}`, /secret\d/);
  assert.equal(server.counts.attempts.length, 4);
});

test("Ctrl-C at the password ends the login as cancelled", limits, async () => {
  await using server = await startSshServer({ password: "right" });
  assert.equal((await refusedLogin(server, { prompter: new Answers("wrong", ctrlC) })).code, "cancelled");
  assert.deepEqual(tried(server), ["none refused", "password refused"]);
});

test(
  "Keyboard-interactive goes through its rounds, hides what is to be hidden, and shows nothing raw",
  limits,
  async () => {
    await using server = await startSshServer({ rounds });
    const prompter = new Answers("me", "123456", "654321");
    assert.equal((await logIn(server, { prompter })).error, undefined);
    assert.equal(
      prompter.text,
      [
        "inform Second\\x1b[31m factor\nLine one\nLine two\\x07",
        "ask (vishnu@127.0.0.1) Name: ",
        "secret (vishnu@127.0.0.1) Code: ",
        "secret (vishnu@127.0.0.1) \\x1b]0;owned\\x07And again: ",
      ].join("\n"),
    );
  },
);

test("Keyboard-interactive is tried before the password, three times each", limits, async () => {
  await using server = await startSshServer({ password: "right", rounds: rounds.slice(1) });
  const prompter = new Answers("1", "2", "3", "4", "5", "6");
  const error = await refusedLogin(server, { prompter });
  assert.match(error.message, /tried keyboard-interactive \(3 times\), password \(3 times\)/);
  assert.deepEqual(tried(server), [
    "none refused",
    ...Array(3).fill("keyboard-interactive refused"),
    ...Array(3).fill("password refused"),
  ]);
});

test("Ctrl-C in the middle of a round ends the login as cancelled", limits, async () => {
  await using server = await startSshServer({ rounds });
  assert.equal((await refusedLogin(server, { prompter: new Answers("me", ctrlC) })).code, "cancelled");
});

test("Without a terminal nothing is asked, and the error says so", limits, async () => {
  await using server = await startSshServer({ password: "right", rounds });
  const error = await refusedLogin(server);
  assert.match(error.message, /tried nothing; the server takes keyboard-interactive,password/);
  assert.match(error.hint, /no terminal to ask on/);
  const batch = await refusedLogin(server, { batchMode: true, prompter: new Answers() });
  assert.match(batch.hint, /BatchMode is on/);
  assert.ok(server.counts.attempts.every(({ method }) => method === "none"));
});

test("PreferredAuthentications chooses the methods and their order", limits, async () => {
  await using server = await startSshServer({ password: "right", rounds: rounds.slice(1) });
  const preferred = ["gssapi-with-mic", "password", "keyboard-interactive"];
  const { error } = await logIn(server, { preferred, prompter: new Answers("x", "x", "x", "654321") });
  assert.equal(error, undefined);
  assert.deepEqual(tried(server).slice(1), [...Array(3).fill("password refused"), "keyboard-interactive accepted"]);
});
