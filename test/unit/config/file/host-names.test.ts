import assert from "node:assert/strict";
import { test } from "node:test";
import { readHostNames } from "../../../../src/config/file/host-names.ts";
import { memoryConfig } from "../../../kit/memory-config.ts";

const path = "/home/anna/.ssh/config";

test("Names without a pattern are listed once, in the order of the file.", () => {
  const text = 'Host web db\n  User a\nHost *.lan !x web "two words" [::1] -dash fe80::1\nhost = last\n';
  const { hosts, patterns } = readHostNames(memoryConfig({ [path]: text }));
  assert.deepEqual(hosts, ["web", "db", "last"]);
  assert.ok(patterns.includes("*.lan"));
});

test("Included files are read where they stand, and files that include each other come to an end.", () => {
  const files = {
    [path]: "Host one\nInclude more\nHost three\n",
    "/home/anna/.ssh/more": `Host two\nInclude ${path}\nInclude more\nInclude ~nobody/x\n`,
  };
  assert.deepEqual(readHostNames(memoryConfig(files)).hosts, ["one", "two", "three"]);
});

test("What cannot be read is left out.", () => {
  assert.deepEqual(readHostNames(memoryConfig({})).hosts, []);
  assert.deepEqual(readHostNames(memoryConfig({ [path]: 'Host "broken\nNonsense\nHost fine\n' })).hosts, ["fine"]);
});

test("Every IgnoreUnknown is found, in whatever block.", () => {
  const text = "IgnoreUnknown UseKeychain\nHost a\n  ignoreunknown=Porthop*,X\n";
  assert.deepEqual(readHostNames(memoryConfig({ [path]: text })).ignored, ["UseKeychain", "Porthop*,X"]);
});
