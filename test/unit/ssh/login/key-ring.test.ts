import assert from "node:assert/strict";
import { chmodSync, unlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { KeyRing } from "../../../../src/ssh/login/key-ring.ts";
import { makeHome } from "../../../kit/identity-home.ts";
import { makeSshKey } from "../../../kit/ssh-server.ts";

const unix = { skip: process.platform === "win32" && "files have no permissions there" };

test("What is wrong with a key file is told once, and again when it came back after it was right.", unix, async () => {
  using home = makeHome();
  const file = home.path("id");
  writeFileSync(file, makeSshKey().private, { mode: 0o644 });
  const ring = new KeyRing(
    { flagFiles: [file, home.path("missing")], configFiles: [], usualFiles: [], home: home.home },
    home.log,
  );
  const counts = () => ["unprotected", "not accessible"].map((word) => home.log.text.split(word).length - 1);
  for (let round = 0; round < 5; round++) {
    const { files, unusable } = await ring.read();
    assert.deepEqual([files.length, unusable.length], [0, 2], "each connection knows it all the same");
  }
  assert.deepEqual(counts(), [1, 1]);
  chmodSync(file, 0o600);
  assert.equal((await ring.read()).files.length, 1);
  chmodSync(file, 0o644);
  await ring.read();
  assert.deepEqual(counts(), [2, 1]);
});

test("Key files are read anew for each connection: one may be changed, come or go.", async () => {
  using home = makeHome();
  const [first, second] = [home.path("first"), home.path("second")];
  const blobs = async () => (await ring.read()).files.map(({ publicBlob }) => publicBlob?.toString("base64") ?? "");
  const write = (path: string) => {
    const key = makeSshKey();
    writeFileSync(path, key.private, { mode: 0o600 });
    return key.public.split(" ")[1] ?? "";
  };
  const ring = new KeyRing({ flagFiles: [first, second], configFiles: [], usualFiles: [], home: home.home }, home.log);
  const before = write(first);
  assert.deepEqual(await blobs(), [before]);
  assert.deepEqual(await blobs(), [before]);
  const after = [write(first), write(second)];
  assert.deepEqual(await blobs(), after);
  unlinkSync(first);
  assert.deepEqual(await blobs(), after.slice(1));
});
