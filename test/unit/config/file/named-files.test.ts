import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import type { Reading } from "../../../../src/config/file/keyword-value.ts";
import { besideConfiguration, withFiles } from "../../../../src/config/file/named-files.ts";

function beside(reading: Reading, value: string): string {
  return besideConfiguration(reading, value, "/home/anna/.ssh/config");
}

test("A relative name starts at the folder of the configuration file.", () => {
  for (const [reading, value, expected] of [
    ["file", "out.pcapng", "/home/anna/.ssh/out.pcapng"],
    ["file", "./a b/out.pcapng", "/home/anna/.ssh/a b/out.pcapng"],
    ["file", "../out.pcapng", "/home/anna/out.pcapng"],
    ["plugin", "./mine.ts", "/home/anna/.ssh/mine.ts"],
    ["plugin", "mine.ts", "/home/anna/.ssh/mine.ts"],
    ["plugin", "../mine:up=1", "/home/anna/mine:up=1"],
    ["plugin", '"./a:b.ts":x="y,z"', '"/home/anna/.ssh/a:b.ts":x="y,z"'],
    ["plugin", "capture:legs=1+3,file=out.pcap", "capture:legs=1+3,file=/home/anna/.ssh/out.pcap"],
  ] as const) {
    assert.equal(beside(reading, value), expected);
  }
});

test("Whole paths, a home, stdout and what is no file stay as they are.", () => {
  for (const [reading, value] of [
    ["file", "/tmp/out.pcapng"],
    ["file", "~/out.pcapng"],
    ["file", "~bob/out.pcapng"],
    ["file", "-"],
    ["file", "none"],
    ["file", "None"],
    ["plugin", "/tmp/mine.ts"],
    ["plugin", "~/mine.ts"],
    ["plugin", "limit:up=1MB/s"],
    ["plugin", "capture:file=-"],
    ["plugin", "capture:file=~/out.pcap"],
    ["text", "relative"],
    ["list", "a b"],
  ] as const) {
    assert.equal(beside(reading, value), value);
  }
});

test("With -F ./x it is the working folder after all, as a whole path.", () => {
  assert.equal(besideConfiguration("file", "out.pcap", "./x"), resolve("out.pcap"));
  assert.equal(besideConfiguration("file", "out.pcap", "conf/x"), resolve("conf/out.pcap"));
});

test("The options of a plugin from a file are its own.", () => {
  assert.equal(
    withFiles("plugin", "/x/mine.ts:file=a", (file) => `/y${file}`),
    "/y/x/mine.ts:file=a",
  );
});
