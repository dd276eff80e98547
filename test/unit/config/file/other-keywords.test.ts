import assert from "node:assert/strict";
import { test } from "node:test";
import { weightOf } from "../../../../src/config/file/other-keywords.ts";

test("A keyword is known in any case, and one that ssh does not have is not.", () => {
  assert.equal(weightOf("LogVerbose"), "harmless");
  assert.equal(weightOf("logverbose"), "harmless");
  assert.equal(weightOf("IPQoS"), "matters");
  assert.equal(weightOf("VERIFYHOSTKEYDNS"), "matters");
  assert.equal(weightOf("Prot"), undefined);
  assert.equal(weightOf("constructor"), undefined);
  assert.equal(weightOf("Host"), undefined);
});
