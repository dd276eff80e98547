import assert from "node:assert/strict";
import { test } from "node:test";
import { hasHost, readHostNames } from "../../../../src/config/file/host-names.ts";
import { memoryConfig } from "../../../kit/memory-config.ts";

const path = "/home/anna/.ssh/config";

test("Names without a pattern are listed once, in the order of the file.", () => {
  const text = 'Host web db\n  User a\nHost *.lan !x web "two words" [::1] -dash work/box aws:22\nhost = last\n';
  const { hosts, patterns } = readHostNames(memoryConfig({ [path]: text }));
  assert.deepEqual(hosts, ["web", "db", "work/box", "aws:22", "last"]);
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

test("A name with a colon is known by a Host line with one, in the files that count.", () => {
  const sources = memoryConfig({ [path]: "Host aws:22\n", "/etc/ssh/ssh_config": "Host k8s:*\n", "/c": "Host *\n" });
  assert.equal(hasHost("aws:22", sources), true);
  assert.equal(hasHost("k8s:80", sources), true);
  assert.equal(hasHost("other:80", sources), false);
  assert.equal(hasHost("aws:22", sources, "/c"), false);
  assert.equal(hasHost("aws:22", sources, "none"), false);
});
