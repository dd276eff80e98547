import assert from "node:assert/strict";
import { test } from "node:test";
import { ownRow, userNamed } from "../../../src/config/user-database.ts";
import { need } from "../../kit/packages.ts";
import { run } from "../../kit/run.ts";

const limits = { skip: need("id", "getent"), timeout: 60_000 };

test("A user whom the system knows is the one of getent.", limits, async () => {
  const uid = process.getuid?.() ?? 0;
  const row = (await run("getent", ["passwd", String(uid)])).stdout.trim().split(":");
  const user = ownRow(uid);
  if (row.length === 1) return assert.equal(user, "nobody");
  assert.deepEqual(user, { name: row[0], uid, home: row[5] });
});

test("A name that nobody has, or that looks like a flag, has no row.", limits, () => {
  assert.equal(userNamed("no-such-user-1"), undefined);
  assert.equal(userNamed("--help"), undefined);
  assert.equal(userNamed(""), undefined);
  assert.equal(userNamed("root")?.uid, 0);
});
