import assert from "node:assert/strict";
import { test } from "node:test";
import { Banners } from "../../../src/ssh/banners.ts";

const most = 256 * 1024;

test("A banner is shown whole, line by line, and made safe.", () => {
  const banners = new Banners();
  assert.equal(banners.take("Hello\u001b[2J\r\n\tanna\r\n\r\n"), "Hello\\x1b[2J\n anna");
  const long = "a line of a long banner\n".repeat(5000);
  assert.equal(banners.take(long), long.trimEnd());
  assert.equal(banners.take(""), undefined);
  assert.equal(banners.take("\r\n"), undefined);
});

test("Of banners without end as much is shown as one packet may have, and that there is more is said once.", () => {
  const banners = new Banners();
  const chunk = "x".repeat(100_000);
  const shown = Array.from({ length: 1000 }, () => banners.take(chunk));
  assert.deepEqual(shown.slice(0, 2), [chunk, chunk]);
  const rest = "x".repeat(most - 200_000);
  assert.equal(shown[2], `${rest}…\n(the server says more before the login than is shown)`);
  assert.deepEqual(new Set(shown.slice(3)), new Set([undefined]));
});
