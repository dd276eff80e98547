import assert from "node:assert/strict";
import { test } from "node:test";
import { planChain } from "../../../../src/forward/plan/chain-plan.ts";
import { refusal } from "../../../kit/refusal.ts";

const spec = (name: string) => ({ name, isFile: false, options: new Map<string, string>() });

test("The log comes first, unless the chain says where it stands.", async () => {
  const names = async (...specs: string[]) => (await planChain(specs.map(spec))).map(({ name }) => name);
  assert.deepEqual(await names(), ["log"]);
  assert.deepEqual(await names("limit", "log"), ["limit", "log"]);
});

test("A plugin that is not there is told before anything is set up.", async () => {
  assert.equal((await refusal(planChain([spec("limti")]))).code, "plugin.not-found");
});
