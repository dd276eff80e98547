import assert from "node:assert/strict";
import { test } from "node:test";
import { closingLines, type Look, stepFields, stepLines } from "../../../src/cli/check-report.ts";
import { PorthopError } from "../../../src/errors.ts";
import type { CheckStep } from "../../../src/forward/check/check-step.ts";

const piped: Look = { hasColor: false };
const wide: Look = { columns: 80, hasColor: false };
const narrow: Look = { columns: 60, hasColor: false };

const error = new PorthopError("target.refused", "the target db.internal:5432 refused the connection from the server", {
  leg: 3,
});
const ok: CheckStep = {
  step: "host-key",
  leg: 2,
  outcome: "ok",
  message: "ED25519 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU, known in ~/.ssh/known_hosts:3",
  ms: 12,
};
const no: CheckStep = { step: "target", forward: "L1", leg: 3, outcome: "no", message: error.message, error, ms: 7 };
const skip: CheckStep = { step: "login", hop: 1, leg: 2, outcome: "skip", message: "needs the host key" };

test("Where nothing is to be broken a step is one line, and its cure another.", () => {
  assert.deepEqual(stepLines(ok, piped), [
    "ok   leg 2  host key     ED25519 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU, known in ~/.ssh/known_hosts:3 (12 ms)",
  ]);
  assert.deepEqual(stepLines(no, piped), [
    "no   leg 3  L1 target    the target db.internal:5432 refused the connection from the server [target.refused] (7 ms)",
    "     hint: nothing listens there, as the server sees it; check the target's address and port",
  ]);
  assert.deepEqual(stepLines(skip, piped), ["skip leg 2  J1 login     needs the host key"]);
});

test("At 80 columns the text goes on under itself, and no fingerprint is cut.", () => {
  assert.deepEqual(stepLines(ok, wide), [
    "ok   leg 2  host key     ED25519",
    "                         SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU,",
    "                         known in ~/.ssh/known_hosts:3 (12 ms)",
  ]);
  assert.deepEqual(stepLines(no, wide).slice(-2), [
    "     hint: nothing listens there, as the server sees it; check the target's",
    "           address and port",
  ]);
});

test("A time stays in one piece too.", () => {
  const message = `root, by publickey (/tmp/sshd-uAtceC/client_key), ${"x".repeat(2)}`;
  assert.match(stepLines({ ...ok, message, ms: 31 }, wide).at(-1) ?? "", /^ {25}\(31 ms\)$/);
});

test("What is to be copied is left in one piece.", () => {
  const hint = `add this line to ~/.ssh/known_hosts: server ssh-ed25519 ${"A".repeat(68)}`;
  const unknown = new PorthopError("ssh.host-key-unknown", "not known", { leg: 2, hint });
  const lines = stepLines({ ...no, message: "not known", error: unknown }, narrow);
  assert.equal(lines.at(-1), `     hint: ${hint}`);
});

test("On a narrow terminal the text stands under its step.", () => {
  assert.deepEqual(stepLines(ok, narrow), [
    "ok   leg 2  host key",
    "     ED25519",
    "     SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU,",
    "     known in ~/.ssh/known_hosts:3 (12 ms)",
  ]);
  for (const step of [ok, no, skip]) for (const line of stepLines(step, narrow)) assert.ok(line.length <= 60, line);
});

test("Colour is on the mark alone, and what others said never acts on the terminal.", () => {
  const hostile = { ...ok, message: "\u001b]0;title\u0007 and \u202e more" };
  const [line = ""] = stepLines(hostile, { hasColor: true });
  assert.ok(line.startsWith("\u001b[32mok\u001b[39m   leg 2  host key"), JSON.stringify(line));
  assert.equal(line.split("\u001b").length - 1, 2);
  assert.ok(line.includes("\\x1b]0;title\\x07 and \\u202e more"), line);
});

test("The closing line names the first leg that failed, or says that all is well.", () => {
  assert.deepEqual(closingLines([ok, no, skip], 420, piped), [
    "no   leg 3 fails first, at L1 target: 1 of 3 steps failed, 1 not tried",
  ]);
  assert.deepEqual(closingLines([ok], 420, piped), ["ok   all that was tried works: 1 steps in 0.4 s"]);
});

test("As an event a step says whether it went well, and its error's code and hint.", () => {
  assert.deepEqual(JSON.parse(JSON.stringify(stepFields(no))), {
    ...{ step: "target", forward: "L1", leg: 3, ok: false, code: "target.refused", message: no.message, ms: 7 },
    hint: error.hint,
  });
  assert.deepEqual(JSON.parse(JSON.stringify(stepFields(skip))), {
    ...{ step: "login", hop: 1, leg: 2, ok: false, skipped: true, message: "needs the host key" },
  });
});
