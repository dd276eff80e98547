import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyboardInteractiveAuthMethod, Prompt } from "ssh2";
import type { PorthopError } from "../../../../src/errors.ts";
import { KeyboardMethod } from "../../../../src/ssh/login/keyboard-method.ts";
import { Answers, ctrlC } from "../../../kit/answers.ts";
import { authContext } from "../../../kit/auth-context.ts";

async function method(...answers: ConstructorParameters<typeof Answers>) {
  const context = await authContext();
  const prompter = new Answers(...answers);
  return { context, prompter, method: new KeyboardMethod(context, prompter) };
}

type Played = Awaited<ReturnType<typeof method>>;

/** The next attempt, of which there has to be one. */
async function attempt({ method }: Played): Promise<KeyboardInteractiveAuthMethod> {
  const next = await method.next();
  assert.ok(next?.type === "keyboard-interactive" && next.username === "anna");
  return next;
}

/** A round of the server's: what it is answered, or that the login was given up. */
function round(attempt: KeyboardInteractiveAuthMethod, questions: readonly Prompt[], name = "", instructions = "") {
  return new Promise<string[]>((resolve) => {
    attempt.prompt(name, instructions, "en", [...questions], resolve);
  });
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("Each question is asked with who asks it, seen or unseen as the server wants, and answered in order.", async () => {
  const played = await method("one", "two");
  const next = await attempt(played);
  const answers = await round(next, [{ prompt: "Code:", echo: true }, { prompt: "Password: " }]);
  assert.deepEqual(answers, ["one", "two"]);
  assert.equal(played.prompter.text, "ask (anna@vishnu) Code: \nsecret (anna@vishnu) Password: ");
  assert.deepEqual(played.context.record.attempts, [{ method: "keyboard-interactive", answer: undefined }]);
});

test("The name and the instructions are shown before the questions, where there are any.", async () => {
  const played = await method("one", "two");
  const next = await attempt(played);
  await round(next, [{ prompt: "?" }], "Token", "Look at it.\r\nType it.");
  await round(next, [{ prompt: "!" }]);
  assert.deepEqual(
    played.prompter.shown.map(({ how, text }) => [how, text]),
    [
      ["inform", "Token\nLook at it.\nType it."],
      ["secret", "(anna@vishnu) ? "],
      ["secret", "(anna@vishnu) ! "],
    ],
  );
});

test("A round without questions is answered with none.", async () => {
  const played = await method();
  assert.deepEqual(await round(await attempt(played), [], "", "Just so you know."), []);
  assert.equal(played.prompter.text, "inform Just so you know.");
});

test("A login with a question or a text needs a person the next time, one with neither needs nobody.", async () => {
  for (const [questions, text, needs] of [
    [[], "", "nobody"],
    [[], "We have sent a push to your telephone.", "person"],
    [[{ prompt: "Code: " }], "", "person"],
  ] as const) {
    const played = await method("123456");
    const next = await attempt(played);
    assert.equal(played.context.record.needs, "nobody");
    await round(next, questions, "", text);
    assert.equal(played.context.record.needs, needs, text);
  }
});

test("Whatever the server wants to have shown is made safe.", async () => {
  const played = await method("x");
  await round(await attempt(played), [{ prompt: "\u001b[2JPass\u202eword:" }], "\u0007name", "in\u009bstructions");
  assert.doesNotMatch(played.prompter.text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
  assert.match(played.prompter.text, /\(anna@vishnu\) \\x1b\[2JPass\\u202eword: $/);
});

test("It is tried as often as a password would be.", async () => {
  const played = await method("1", "2", "3");
  for (let tries = 0; tries < 3; tries++) await round(await attempt(played), [{ prompt: "?" }]);
  assert.equal(await played.method.next(), undefined);
  assert.equal(played.context.record.attempts.length, 3);
});

test("A server that asked nothing is not tried a second time.", async () => {
  const played = await method();
  await attempt(played);
  assert.equal(await played.method.next(), undefined);
});

test("Ctrl-C at a question gives the login up, and the server gets no answer.", async () => {
  const played = await method(ctrlC);
  let answered = false;
  void round(await attempt(played), [{ prompt: "?" }]).then(() => {
    answered = true;
  });
  await settled();
  assert.deepEqual(
    [answered, played.context.gaveUp.map((reason) => (reason as PorthopError).code)],
    [false, ["cancelled"]],
  );
});

test("A hundred questions are asked; more at once are a server gone mad.", async () => {
  const questions = (count: number) => Array.from({ length: count }, () => ({ prompt: "?" }));
  const patient = await method(...questions(100).map(() => "x"));
  assert.equal((await round(await attempt(patient), questions(100))).length, 100);
  const played = await method();
  void round(await attempt(played), questions(101));
  await settled();
  assert.deepEqual(played.context.gaveUp.map(String), ["Error: the server asks 101 questions at once"]);
  assert.equal(played.prompter.text, "");
});

test("No answer is written into the record or the log.", async () => {
  const played = await method("s3cret");
  await round(await attempt(played), [{ prompt: "?" }]);
  assert.doesNotMatch(JSON.stringify(played.context.record) + played.context.log.text, /s3cret/);
});
