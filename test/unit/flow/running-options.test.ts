import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { type ReadOptions, RunningOptions } from "../../../src/flow/running-options.ts";
import { quiet } from "../../kit/carried-flow.ts";

/** Options that take any text but `bad`. */
function options(texts: Readonly<Record<string, string>> = { rate: "1" }): ReadOptions {
  return {
    values: texts,
    with(changes) {
      if ([...changes.values()].includes("bad")) throw new PorthopError("plugin.invalid", "bad is no rate");
      return options({ ...texts, ...Object.fromEntries(changes) });
    },
  };
}

const change = (rate: string) => new Map([["rate", rate]]);

function noWarning(text: string): void {
  assert.fail(text);
}

test("Whoever hears gets all options as they are after the change, and the next change begins there.", () => {
  const running = new RunningOptions("limit", options({ rate: "1", per: "flow" }), noWarning);
  const heard: unknown[] = [];
  running.hear((values) => heard.push(values));
  running.change(change("2"));
  running.change(new Map([["per", "all"]]));
  assert.deepEqual(heard, [
    { rate: "2", per: "flow" },
    { rate: "2", per: "all" },
  ]);
});

test("A change that cannot be read is told to nobody.", () => {
  const running = new RunningOptions("limit", options(), noWarning);
  running.hear(() => assert.fail("nothing has changed"));
  assert.throws(() => running.change(change("bad")), { code: "plugin.invalid", message: "bad is no rate" });
});

test("A plugin that refuses a change leaves all as it was, also for those who had heard of it.", () => {
  const running = new RunningOptions("limit", options(), noWarning);
  const heard: string[] = [];
  running.hear(({ rate }) => heard.push(`first ${rate}`));
  running.hear(({ rate }) => {
    heard.push(`second ${rate}`);
    if (rate === "2") throw new Error("not on Sundays");
  });
  running.hear(({ rate }) => heard.push(`third ${rate}`));
  assert.throws(() => running.change(change("2")), {
    code: "plugin.invalid",
    message: "plugin limit did not change its options: not on Sundays",
    hint: "nothing was changed",
  });
  assert.deepEqual(heard.splice(0), ["first 2", "second 2", "second 1", "first 1"]);
  running.change(change("3"));
  assert.deepEqual(heard, ["first 3", "second 3", "third 3"]);
});

test("An error that the plugin chose passes as it is; one on the way back is a warning.", () => {
  const warnings: string[] = [];
  const running = new RunningOptions("limit", options(), (text) => void warnings.push(text));
  const chosen = new PorthopError("plugin.invalid", "plugin limit: burst is too small");
  running.hear(() => {
    throw chosen;
  });
  assert.throws(
    () => running.change(change("2")),
    (error) => error === chosen,
  );
  assert.deepEqual(warnings, ["cannot go back to the options before: plugin limit: burst is too small"]);
});

test("What a plugin rejects with later is a warning, and does not end the process.", async () => {
  const warnings: string[] = [];
  const running = new RunningOptions("limit", options(), (text) => void warnings.push(text));
  running.hear(() => Promise.reject(new Error("no disk")));
  running.change(change("2"));
  await quiet();
  assert.deepEqual(warnings, ["new options: no disk"]);
});

test("A plugin that has no options, or does not listen, cannot be changed, and says so.", () => {
  assert.throws(() => new RunningOptions("log", undefined, noWarning).change(change("1")), /it takes no options/);
  assert.throws(
    () => new RunningOptions("odd", options(), noWarning).change(change("2")),
    /^PorthopError: plugin odd did not change its options: it does not listen to changes \(host\.onOptions\)$/,
  );
});
