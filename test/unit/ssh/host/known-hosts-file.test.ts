import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { KnownHosts } from "../../../../src/codec/keys/known-hosts.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { appendKnownHost, changeKnownHosts, readKnownHosts } from "../../../../src/ssh/host/known-hosts-file.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("known-hosts-file");
after(() => removeTemp(folder));

const key = `ssh-ed25519 ${writeStrings("ssh-ed25519", Buffer.alloc(32, 1)).toString("base64")}`;
const mode = (path: string) => statSync(path).mode & 0o777;

const append = (path: string, line: string) => appendKnownHost(path, line, () => false);

let files = 0;
const fresh = () => join(folder, `known_hosts-${++files}`);

function file(content: string): string {
  const path = fresh();
  writeFileSync(path, content);
  return path;
}

test("A file is read with its path, its entries and the lines that cannot be read.", async () => {
  const path = file(`# a comment\nvishnu ${key}\nnonsense\n\nbrahma ${key}\n`);
  const read = await readKnownHosts(path);
  assert.equal(read.path, path);
  assert.deepEqual(
    read.entries.map(({ hosts, line }) => [hosts, line]),
    [
      ["vishnu", 2],
      ["brahma", 5],
    ],
  );
  assert.deepEqual(
    read.unreadable.map(({ line }) => line),
    [3],
  );
});

test("A file that is not there is an empty one, and is not made by reading it.", async () => {
  const path = fresh();
  assert.deepEqual(await readKnownHosts(path), { path, entries: [], unreadable: [] });
  assert.equal(existsSync(path), false);
  assert.deepEqual((await readKnownHosts(join(folder, "no", "folder", "either"))).entries, []);
});

test("A file that is there and cannot be read is the system's error.", async () => {
  await assert.rejects(readKnownHosts(folder), { code: "EISDIR" });
});

test("A device that never ends does not fill the memory.", { timeout: 30_000 }, async () => {
  await assert.rejects(readKnownHosts("/dev/zero"), /larger than/);
});

test("A line is added at the end, and a last line without its end gets one.", async () => {
  const whole = file("one\n");
  await append(whole, "two");
  assert.equal(readFileSync(whole, "utf8"), "one\ntwo\n");
  const cut = file("one");
  await append(cut, "two");
  await append(cut, "three");
  assert.equal(readFileSync(cut, "utf8"), "one\ntwo\nthree\n");
  const empty = file("");
  await append(empty, "one");
  assert.equal(readFileSync(empty, "utf8"), "one\n");
});

test("A line that the file has got meanwhile is not added, and what it has is looked at in turn.", async () => {
  const path = file("first\n");
  const isThere = ({ entries }: KnownHosts) => entries.some(({ hosts }) => hosts === "vishnu");
  const adding = Array.from({ length: 20 }, () => appendKnownHost(path, `vishnu ${key}`, isThere));
  assert.equal((await Promise.all(adding)).filter(Boolean).length, 1);
  assert.equal(readFileSync(path, "utf8"), `first\nvishnu ${key}\n`);
});

test("A file that is not there is made for its user alone, and so is its folder.", async () => {
  const path = join(folder, "home", ".ssh");
  mkdirSync(join(folder, "home"));
  await append(join(path, "known_hosts"), `vishnu ${key}`);
  assert.deepEqual([mode(path), mode(join(path, "known_hosts"))], [0o700, 0o600]);
  assert.deepEqual((await readKnownHosts(join(path, "known_hosts"))).entries.length, 1);
});

test("Rights that a file has already are left alone, and a link is followed.", async () => {
  const path = file("one\n");
  const before = mode(path);
  const link = fresh();
  symlinkSync(path, link);
  await append(link, "two");
  assert.deepEqual([mode(path), readFileSync(path, "utf8")], [before, "one\ntwo\n"]);
});

test("Lines that are added at the same time all stay whole.", async () => {
  const path = file("first\n");
  const lines = Array.from({ length: 100 }, (_, index) => `host-${index} ${key}`);
  await Promise.all(lines.map((line) => append(path, line)));
  assert.deepEqual(readFileSync(path, "utf8").split("\n").toSorted(), ["", "first", ...lines].toSorted());
});

test("A folder above the folder is not made: that the path is right is the user's affair.", async () => {
  await assert.rejects(append(join(folder, "no", "such", "known_hosts"), "x"), { code: "ENOENT" });
  await assert.rejects(append(folder, "x"), { code: "EISDIR" });
});

test("Lines go and come, the others, the mode and a link stay; without changes the file is not touched.", async () => {
  const path = file(`# first\nvishnu ${key}\n# last`);
  chmodSync(path, 0o640);
  const link = fresh();
  symlinkSync(path, link);
  const { ino } = statSync(path);
  await changeKnownHosts(link, () => undefined);
  assert.equal(statSync(path).ino, ino);
  await changeKnownHosts(link, ({ entries }) => ({
    remove: new Set(entries.map(({ line }) => line)),
    add: [`brahma ${key}`],
  }));
  assert.equal(readFileSync(path, "utf8"), `# first\n# last\nbrahma ${key}\n`);
  assert.deepEqual([mode(path), lstatSync(link).isSymbolicLink()], [0o640, true]);
  await changeKnownHosts(link, () => ({ remove: new Set(), add: [`brahma ${key}`, "more"] }));
  assert.equal(readFileSync(path, "utf8"), `# first\n# last\nbrahma ${key}\nmore\n`);
});

test("A file that is not there is not made by changing it.", async () => {
  const path = fresh();
  await changeKnownHosts(path, () => assert.fail("there is nothing to change"));
  assert.equal(existsSync(path), false);
});

test("Lines that are added while others are taken out are all there in the end.", { timeout: 30_000 }, async () => {
  const old = Array.from({ length: 30 }, (_each, index) => `old${index} ${key}`);
  const path = file(`${old.join("\n")}\n`);
  const added = old.map((_line, index) => `new${index} ${key}`);
  await Promise.all([
    ...added.map((line) => append(path, line)),
    ...old.map((_line, index) =>
      changeKnownHosts(path, ({ entries }) => ({
        remove: new Set(entries.filter(({ hosts }) => hosts === `old${index}`).map(({ line }) => line)),
        add: [],
      })),
    ),
  ]);
  assert.deepEqual(readFileSync(path, "utf8").trim().split("\n").sort(), added.sort());
});

test("A line for /dev/null is gone without a trace.", async () => {
  const before = readdirSync("/dev");
  await append("/dev/null", "one");
  assert.deepEqual(
    readdirSync("/dev").filter((name) => name.startsWith("null")),
    before.filter((name) => name.startsWith("null")),
  );
  assert.equal(statSync("/dev/null").isCharacterDevice(), true);
});
