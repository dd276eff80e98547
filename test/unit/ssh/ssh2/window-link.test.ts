import assert from "node:assert/strict";
import { test } from "node:test";
import { WindowLink, WindowPool } from "../../../../src/ssh/ssh2/window-link.ts";

test("The shortest round trip counts: a question may have waited behind other data.", () => {
  const link = new WindowLink();
  assert.equal(link.roundTripMs, undefined);
  for (const ms of [50, 400, 49, 51]) link.measured(ms);
  assert.equal(link.roundTripMs, 49);
});

test("A borrower gets half of what is left at most, and keeps what he has.", () => {
  const pool = new WindowPool(100);
  assert.equal(pool.most(0), 50);
  pool.lend(50);
  assert.equal(pool.most(50), 75);
  assert.equal(pool.most(0), 25);
  pool.lend(-50);
  assert.equal(pool.most(0), 50);
});

test("A session that is over gives all back once, and borrows nothing more.", () => {
  const pool = new WindowPool(100);
  const links = [new WindowLink(pool), new WindowLink(pool)];
  for (const link of links) link.lend(20);
  links[0]?.close();
  assert.equal(pool.most(0), 40);
  links[0]?.close();
  links[0]?.lend(-20);
  links[0]?.lend(30);
  assert.equal(pool.most(0), 40);
});
