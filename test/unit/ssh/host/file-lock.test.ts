import assert from "node:assert/strict";
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withLock } from "../../../../src/ssh/host/file-lock.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

function folder() {
  const path = tempDirectory("lock");
  return { path, file: join(path, "file"), [Symbol.dispose]: () => removeTemp(path) };
}

test("Those who want the same lock take turns, and nothing is left of it.", { timeout: 20_000 }, async () => {
  using place = folder();
  let inside = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 10 }, (_each, index) =>
      withLock(place.file, async () => {
        assert.equal(++inside, 1);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(index);
        inside--;
      }),
    ),
  );
  assert.equal(order.length, 10);
  assert.deepEqual(readdirSync(place.path), []);
});

test("Work that fails gives the lock back.", async () => {
  using place = folder();
  await assert.rejects(
    withLock(place.file, () => Promise.reject(new Error("no"))),
    /^Error: no$/,
  );
  assert.equal(await withLock(place.file, async () => "yes"), "yes");
});

test("The lock of a process that died long ago is taken over.", async () => {
  using place = folder();
  const lock = `${place.file}.lock`;
  writeFileSync(lock, "");
  const longAgo = Date.now() / 1000 - 60;
  utimesSync(lock, longAgo, longAgo);
  await withLock(place.file, async () => assert.equal(existsSync(lock), true));
  assert.equal(existsSync(lock), false);
});

test("Where no lock can be made, the system's reason is told.", async () => {
  using place = folder();
  await assert.rejects(
    withLock(join(place.path, "missing", "file"), async () => {}),
    /ENOENT/,
  );
  assert.equal(await withLock(join(place.path, "missing", "file"), async () => "done", "go on"), "done");
});
