import assert from "node:assert/strict";
import { test } from "node:test";
import { pluginOf, preparedPlugin, withToolkit } from "../../../../src/forward/plan/prepared-plugin.ts";
import * as toolkit from "../../../../src/plugin.ts";
import { definePlugin } from "../../../../src/plugin.ts";
import { ScriptedHost } from "../../../kit/plugin-host.ts";

const greet = definePlugin({
  name: "greet",
  about: "greets",
  options: {
    word: { type: "text", about: "what to say", default: "hello" },
    times: { type: "number", about: "often" },
  },
  setup(host, options) {
    host.log.info(JSON.stringify(options));
    return (_flow, next) => next();
  },
});

test("A function is called with all that src/plugin.ts has to call, anything else is itself.", async () => {
  assert.deepEqual(
    Object.keys(withToolkit((given: object) => given) as object).toSorted(),
    Object.keys(toolkit).toSorted(),
  );
  assert.equal(withToolkit(greet), greet);
  assert.equal(withToolkit(undefined), undefined);
  assert.equal(await withToolkit(async () => greet), greet);
});

test("What has a name and a setup is a plugin, and what it came from is named where it has not.", () => {
  assert.equal(pluginOf(greet, "./greet.ts"), greet);
  for (const nothing of [undefined, null, 1, {}, { name: "x" }, { setup() {} }]) {
    assert.throws(() => pluginOf(nothing, "./mine.ts"), {
      code: "plugin.invalid",
      message: /^\.\/mine\.ts is no plugin/,
    });
  }
});

test("It is set up with its options as its record reads them, and a wrong one is told with those there are.", async () => {
  const host = new ScriptedHost();
  const prepared = preparedPlugin(greet, new Map([["times", "3"]]));
  assert.equal(prepared.name, "greet");
  await prepared.setup(host);
  assert.deepEqual(host.lines, ['info {"word":"hello","times":3}']);
  assert.throws(() => preparedPlugin(greet, new Map([["times", "often"]])), {
    code: "plugin.invalid",
    message: 'plugin greet: option "times": "often" is not a whole number such as 10',
    hint: "it takes word (what to say); times (often)",
  });
});
