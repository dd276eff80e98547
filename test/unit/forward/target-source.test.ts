import assert from "node:assert/strict";
import { test } from "node:test";
import type { Inbound } from "../../../src/flow/conn.ts";
import { specTarget } from "../../../src/forward/target-source.ts";

test("The target of a spec is known at once, and the connection is answered as it came.", () => {
  const inbound = {} as Inbound;
  const target = { host: "db.internal", port: 5432 };
  const asked = specTarget(target)(inbound);
  assert.deepEqual(asked, { inbound, target });
});
