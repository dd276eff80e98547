import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { test } from "node:test";
import { descriptorSystem } from "../../../src/io/descriptor-system.ts";
import { notOnDeno } from "../../kit/runtime.ts";

/** Descriptors are the whole process's. */
const alone = { skip: notOnDeno("it runs the tests of several files in one process") };

test("One that is taken is a descriptor of this process, and free again when it is given back.", alone, () => {
  const taken = descriptorSystem.take();
  assert.ok(taken !== undefined);
  descriptorSystem.give(taken);
  assert.throws(() => closeSync(taken), { code: "EBADF" });
});

test("The free ones are counted: as many fewer as are open more.", alone, (context) => {
  const before = descriptorSystem.count();
  if (before === 0) return context.skip("this system has no /proc");
  assert.ok(before < Number(descriptorSystem.limit));
  const opened = Array.from({ length: 50 }, () => openSync(devNull, "r"));
  const between = descriptorSystem.count();
  for (const descriptor of opened) closeSync(descriptor);
  assert.equal(before - between, 50);
});
