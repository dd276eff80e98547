import assert from "node:assert/strict";
import { test } from "node:test";
import { pluginChain } from "../../../src/config/plugin-chain.ts";

const spec = (name: string, isFile = false) => ({ name, isFile, options: new Map([["a", "b"]]) });

test("The log is in every chain: at its head, or where it was put.", () => {
  const log = { name: "log", isFile: false, options: new Map() };
  assert.deepEqual(pluginChain([]), [log]);
  assert.deepEqual(pluginChain([spec("limit"), spec("./mine.ts", true)]), [
    log,
    spec("limit"),
    spec("./mine.ts", true),
  ]);
  assert.deepEqual(pluginChain([spec("limit"), spec("log")]), [spec("limit"), spec("log")]);
});
