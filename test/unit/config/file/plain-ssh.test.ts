import assert from "node:assert/strict";
import { test } from "node:test";
import { splitArguments } from "../../../../src/codec/config/config-line.ts";
import { ConfigReading } from "../../../../src/config/file/config-reading.ts";
import { Keywords } from "../../../../src/config/file/keyword-record.ts";
import { hostHoldsAlways, matchHoldsAlways } from "../../../../src/config/file/plain-ssh.ts";
import { matchFacts, memoryConfig } from "../../../kit/memory-config.ts";

/** What is said of /c, which is read for the host web. */
function said(text: string, more: Readonly<Record<string, string>> = {}, isFinal = false): readonly string[] {
  const keywords = new Keywords();
  // As on a command line: it counts for porthop, and not for ssh.
  keywords.add("IgnoreUnknown", "*");
  const reading = new ConfigReading(memoryConfig({ "/c": text, ...more }), keywords);
  const match = () => matchFacts();
  const fillInclude = (path: string) => path;
  reading.read("/c", { isUser: true, isPrivate: false }, { host: "web", isFinal: false, fillInclude, match });
  if (isFinal)
    reading.read("/c", { isUser: true, isPrivate: false }, { host: "web", isFinal: true, fillInclude, match });
  return keywords.warnings;
}

const block = "Host db\n  PorthopUse limit:up=1MB/s\n";
const what = 'ssh itself ends at PorthopUse with "Bad configuration option", for other hosts too';

test("Behind an IgnoreUnknown that holds for all hosts nothing is said.", () => {
  for (const text of [
    "",
    "Host db\n  Port 22\n",
    `IgnoreUnknown Porthop*\n${block}`,
    `ignoreunknown=UseKeychain,PORTHOP*\n${block}`,
    `Host *\n  IgnoreUnknown Porthop*\n${block}`,
    `Host a *\n  IgnoreUnknown Porthop*\n${block}`,
    `Match all\n  IgnoreUnknown Porthop*\n${block}`,
    `Match host * user *\n  IgnoreUnknown Porthop*\n${block}`,
    `Host mac\n  IgnoreUnknown Porthop*,UseKeychain\nHost *\n  IgnoreUnknown Porthop*\n${block}`,
    `Host mac\n  IgnoreUnknown Porthop*\n  IgnoreUnknown x\nHost *\n  IgnoreUnknown Porthop*\n${block}`,
    `IgnoreUnknown Porthop*\nIgnoreUnknown UseKeychain\n${block}`,
  ]) {
    assert.deepEqual(said(text), [], text);
  }
});

test("Without one, or with one that holds for some hosts only, it belongs at the top of the file.", () => {
  for (const [text, line] of [
    [block, 2],
    [`${block}IgnoreUnknown Porthop*\n`, 2],
    [`Host a\n  Port 22\nIgnoreUnknown Porthop*\n${block}`, 5],
    [`Host db\n  IgnoreUnknown Porthop*\n  PorthopUse x\n`, 3],
    [`Host * !a\n  IgnoreUnknown Porthop*\n${block}`, 4],
    [`Match final all\n  IgnoreUnknown Porthop*\n${block}`, 4],
    [`Match exec true\n  IgnoreUnknown Porthop*\n${block}`, 4],
    ["IgnoreUnknown porthoplog\nPorthopLog debug\n".replace("porthoplog", "none,PorthopLog").concat(block), 4],
  ] as const) {
    const [only, ...more] = said(text);
    assert.deepEqual(more, [], text);
    assert.ok(only?.startsWith(`/c line ${line}: ${what}: `), only ?? text);
  }
  assert.deepEqual(said(block), [`/c line 2: ${what}: put "IgnoreUnknown Porthop*" at the top of /c`]);
});

test("Of two only the first counts: the cure keeps what the others say.", () => {
  assert.deepEqual(said(`IgnoreUnknown UseKeychain\nIgnoreUnknown Porthop*\n${block}`), [
    `/c line 4: ${what}: add Porthop* to the IgnoreUnknown of /c line 1`,
  ]);
  assert.deepEqual(said(`Host mac\n  IgnoreUnknown UseKeychain\nHost *\n  IgnoreUnknown porthop*,Foo,Foo\n${block}`), [
    `/c line 6: ${what}: put "IgnoreUnknown Porthop*,UseKeychain,Foo" at the top of /c`,
  ]);
  assert.deepEqual(said(`${block}Host *\n  IgnoreUnknown UseKeychain\n`), [
    `/c line 2: ${what}: put "IgnoreUnknown Porthop*,UseKeychain" at the top of /c`,
  ]);
});

test("Included files count where they are included.", () => {
  const ignoring = "Host *\n  IgnoreUnknown Porthop*\n";
  assert.deepEqual(said(`Include /i\n${block}`, { "/i": ignoring }), []);
  assert.deepEqual(said(`IgnoreUnknown Porthop*\nInclude /i\n`, { "/i": block }), []);
  assert.deepEqual(said("Include /i\n", { "/i": block }), [
    `/i line 2: ${what}: put "IgnoreUnknown Porthop*" at the top of /c`,
  ]);
  assert.deepEqual(said(`Host web\nInclude /i\n${block}`, { "/i": ignoring }), [
    `/c line 4: ${what}: put "IgnoreUnknown Porthop*" at the top of /c`,
  ]);
});

test("It is said once, also of a file that is read twice or has many such lines.", () => {
  const text = `Match final\n  Port 22\n${block}${block}  PorthopLog debug\n`;
  assert.equal(said(text, {}, true).length, 1);
});

test("Only a star without an exception holds always.", () => {
  assert.deepEqual(
    [["*"], ["a", "**"], ["a"], ["*", "!a"], ["?*"], []].map((patterns) => hostHoldsAlways(patterns)),
    [true, true, false, false, false, false],
  );
  assert.deepEqual(
    ["all", "host *", 'user "*" all', "host a", "host *,!a", "!all", "!host *", "canonical all", "exec true"].map(
      (text) => matchHoldsAlways(splitArguments(text)),
    ),
    [true, true, true, false, false, false, false, false, false],
  );
});
