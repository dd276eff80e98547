import assert from "node:assert/strict";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { addToConfig, readForAddition } from "../../../../src/config/file/config-addition.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { tempDirectory } from "../../../kit/temp.ts";

function fileWith(content: string | Uint8Array, mode = 0o600): string {
  const path = join(tempDirectory("config"), "config");
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

test("What was there stays byte for byte, with its mode, and a copy is kept.", () => {
  const before = Buffer.from([0x23, 0xff, 0xfe, 0x0d, 0x0a, 0x23]);
  const path = fileWith(before, 0o640);
  const copy = addToConfig(path, readForAddition(path), "\nHost a\n");
  assert.deepEqual(readFileSync(path), Buffer.concat([before, Buffer.from("\nHost a\n")]));
  assert.equal(statSync(path).mode & 0o777, 0o640);
  assert.deepEqual(readFileSync(copy ?? ""), before);
  // Nothing else is left behind.
  assert.equal(readdirSync(join(path, "..")).length, 2);
});

test("A missing file is made with its folder, for nobody else to read.", () => {
  const path = join(tempDirectory("config"), "ssh", "config");
  assert.equal(readForAddition(path), undefined);
  assert.equal(addToConfig(path, undefined, "Host a\n"), undefined);
  assert.equal(readFileSync(path, "utf8"), "Host a\n");
  assert.deepEqual([statSync(path).mode & 0o777, statSync(join(path, "..")).mode & 0o777], [0o600, 0o700]);
});

test("A file that is another one by now is left alone.", () => {
  const path = fileWith("a\n");
  const before = readForAddition(path);
  writeFileSync(path, "b\n");
  assert.throws(() => addToConfig(path, before, "x\n"), /changed by somebody else/);
  assert.throws(() => addToConfig(path, undefined, "x\n"), /changed by somebody else/);
  assert.equal(readFileSync(path, "utf8"), "b\n");
});

test("A link stays a link; one that leads nowhere is refused.", () => {
  const real = fileWith("a\n");
  const link = join(tempDirectory("config"), "config");
  symlinkSync(real, link);
  addToConfig(link, readForAddition(link), "b\n");
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(readFileSync(real, "utf8"), "a\nb\n");
  const nowhere = join(tempDirectory("config"), "config");
  symlinkSync("/nonexistent/file", nowhere);
  assert.throws(() => addToConfig(nowhere, readForAddition(nowhere), "b\n"), PorthopError);
});

test("What is no plain file, one that others may write, or that nobody shall, is refused with its reason.", () => {
  const folder = join(tempDirectory("config"), "config");
  mkdirSync(folder);
  assert.throws(() => readForAddition(folder), /no plain file/);
  assert.throws(() => readForAddition("/dev/zero"), /no plain file/);
  assert.throws(() => readForAddition(fileWith("", 0o666)), /lets others write it/);
  assert.throws(() => readForAddition(fileWith("", 0o400)), /it is read-only/);
});
