import assert from "node:assert/strict";
import { test } from "node:test";
import { reportFailure } from "../../../src/cli/failure-report.ts";
import { PorthopError } from "../../../src/errors.ts";
import { type Written, written } from "../../kit/written.ts";

/** With PORTHOP_DEBUG as `debug` says it. */
function report(thrown: unknown, { json = false, debug }: { json?: boolean; debug?: string } = {}) {
  const before = process.env["PORTHOP_DEBUG"];
  if (debug === undefined) delete process.env["PORTHOP_DEBUG"];
  else process.env["PORTHOP_DEBUG"] = debug;
  let code: number | undefined;
  let told: Written;
  try {
    told = written(() => {
      code = reportFailure(thrown, json);
    });
  } finally {
    if (before === undefined) delete process.env["PORTHOP_DEBUG"];
    else process.env["PORTHOP_DEBUG"] = before;
  }
  return { code, ...told };
}

const defect = "  hint: this is a defect of porthop; please report it with the output of PORTHOP_DEBUG=1\n";

test("An error is one line with its code, its hint, and its exit code; stdout stays empty.", () => {
  for (const code of ["usage", "config.invalid", "ssh.lost", "cancelled", "internal"] as const) {
    const error = new PorthopError(code, "what happened");
    assert.deepEqual(report(error), {
      code: error.exitCode,
      stdout: "",
      stderr: `porthop: what happened [${code}]\n  hint: ${error.hint}\n`,
    });
  }
});

test("What is no PorthopError is a defect, said so, with what it was and without its stack.", () => {
  assert.deepEqual(report(new TypeError("x is not a function")), {
    code: 1,
    stdout: "",
    stderr: `porthop: TypeError: x is not a function [internal]\n${defect}`,
  });
});

for (const [thrown, text] of [
  ["just text", "just text"],
  [undefined, "undefined"],
  [null, "null"],
  [7, "7"],
  [new Error("two\nlines\u001b[2J"), "Error: two\\nlines\\x1b[2J"],
] as const) {
  test(`Even ${JSON.stringify(String(thrown))} is told as a defect, on one line.`, () => {
    for (const debug of [undefined, "1"]) {
      const told = report(thrown, debug === undefined ? {} : { debug });
      assert.equal(told.code, 1);
      assert.ok(told.stderr.startsWith(`porthop: ${text} [internal]\n${defect}`), told.stderr);
    }
  });
}

test("With PORTHOP_DEBUG a defect shows its stack.", () => {
  const { stderr } = report(new TypeError("x is not a function"), { debug: "1" });
  const [error, hint, ...stack] = stderr.split("\n");
  assert.equal(`${error}\n${hint}\n`, `porthop: TypeError: x is not a function [internal]\n${defect}`);
  assert.match(stack.join("\n"), /^ *at .*failure-report\.test\.ts/m);
});

test("An error that is no defect has no stack to show, whatever PORTHOP_DEBUG says.", () => {
  const error = new PorthopError("usage", "no destination");
  assert.equal(report(error, { debug: "1" }).stderr, report(error).stderr);
});

test("With --json the error and the exit code are events as well.", () => {
  const { code, stdout, stderr } = report(new PorthopError("listen.in-use", "taken", { leg: 1 }), { json: true });
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => {
      const { time: _time, ...event } = JSON.parse(line) as Record<string, unknown>;
      return event;
    });
  assert.equal(code, 255);
  assert.deepEqual(events, [
    { event: "error", code: "listen.in-use", message: "taken", hint: "pick another port", leg: 1 },
    { event: "exit", code: 255 },
  ]);
  assert.equal(stderr, "porthop: taken [listen.in-use]\n  hint: pick another port\n");
});

test("With --json a defect is an event too, without its stack.", () => {
  const { stdout } = report(new Error("boom"), { json: true, debug: "1" });
  const [first = ""] = stdout.split("\n");
  const { code, message } = JSON.parse(first) as Record<string, unknown>;
  assert.deepEqual([code, message], ["internal", "Error: boom"]);
  assert.doesNotMatch(stdout, /failure-report\.test\.ts/);
});
