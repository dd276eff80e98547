import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { realSources } from "../../../../src/config/file/config-sources.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("config-sources");
after(() => removeTemp(folder));
const sources = realSources({ SHELL: "/bin/sh", NAME: "value" });

test("The files are where ssh looks for them, and the machine is this one.", () => {
  assert.equal(sources.userFile, join(homedir(), ".ssh", "config"));
  assert.equal(sources.systemFile, "/etc/ssh/ssh_config");
  assert.deepEqual([sources.machine.home, sources.machine.host], [homedir(), hostname()]);
  assert.equal(sources.machine.homeOf("root"), "/root");
});

test("A file is read whole, a directory is empty, and one that is not there is missing.", () => {
  const file = join(folder, "config");
  writeFileSync(file, "Port 22\n".repeat(20_000));
  assert.equal(sources.read(file, true), "Port 22\n".repeat(20_000));
  mkdirSync(join(folder, "directory"));
  assert.equal(sources.read(join(folder, "directory"), false), "");
  assert.deepEqual(sources.read(join(folder, "none"), true), { why: "no such file or directory", isMissing: true });
  assert.deepEqual(sources.read(join(file, "below"), true), { why: "not a directory", isMissing: false });
});

test("Only a private file is refused when others may write it.", () => {
  const file = join(folder, "open");
  writeFileSync(file, "Port 1\n");
  chmodSync(file, 0o666);
  assert.equal(sources.read(file, false), "Port 1\n");
  assert.throws(() => sources.read(file, true), /bad permissions: 0666/);
});

test("A device that never ends is given up.", () => {
  assert.throws(() => sources.read("/dev/zero", false), /is larger than 16777216 bytes/);
});
