import assert from "node:assert/strict";
import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { openCapture } from "../../../../plugins/capture/capture-path.ts";
import { pcapHeader } from "../../../../src/codec/capture/pcap.ts";
import { sectionHeader } from "../../../../src/codec/capture/pcapng.ts";
import { ScriptedHost } from "../../../kit/plugin-host.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("capture-path");
after(() => removeTemp(folder));

/** Opens it, writes `new` and closes it again. */
function capture(path: string): void {
  const fd = openCapture(path, new ScriptedHost());
  writeSync(fd, "new");
  closeSync(fd);
}

function assertRefused(path: string, message: RegExp, hint: RegExp): void {
  assert.throws(() => openCapture(path, new ScriptedHost()), { code: "file.cannot-write", message, hint });
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

function withUmask<T>(mask: number, work: () => T): T {
  const before = process.umask(mask);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}

for (const mask of [0o000, 0o022, 0o777]) {
  test(`With umask ${mask.toString(8).padStart(3, "0")} the file is its owner's alone: mode 0600.`, () => {
    const path = join(folder, `umask-${mask}.pcapng`);
    withUmask(mask, () => capture(path));
    assert.equal(modeOf(path), "600");
    assert.equal(readFileSync(path, "utf8"), "new");
  });
}

test("A dash is stdout.", () => {
  assert.equal(openCapture("-", new ScriptedHost()), 1);
});

const captures: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ["pcapng", sectionHeader({ application: "porthop" })],
  ["pcap", pcapHeader(262_144)],
  ["big-endian pcap in microseconds", Buffer.from("a1b2c3d4000200040000000000000000", "hex")],
  ["big-endian pcapng", Buffer.from("0a0d0d0a0000001c1a2b3c4d00010000", "hex")],
  ["empty", new Uint8Array(0)],
];

for (const [what, bytes] of captures) {
  test(`An existing ${what} file is replaced by a fresh one that nobody else has open or may read.`, () => {
    const path = join(folder, `${what}.old`);
    writeFileSync(path, bytes, { mode: 0o666 });
    linkSync(path, `${path}.link`);
    withUmask(0, () => capture(path));
    assert.equal(readFileSync(path, "utf8"), "new");
    assert.equal(modeOf(path), "600");
    assert.deepEqual(readFileSync(`${path}.link`), Buffer.from(bytes), "the old file itself was not written to");
  });
}

for (const [what, bytes] of [
  ["text", Buffer.from("my thesis\n")],
  ["a text that begins like a block of pcapng", Buffer.from("\n\r\r\nmy thesis is here\n")],
  ["a file of three bytes", Buffer.from("4d3cb2", "hex")],
] as const) {
  test(`An existing file that is no capture is kept: ${what}.`, () => {
    const path = join(folder, `${what}.txt`);
    writeFileSync(path, bytes);
    assertRefused(path, /^cannot write the capture .*: the file exists and is no capture$/, /another name/);
    assert.deepEqual(readFileSync(path), Buffer.from(bytes));
  });
}

test("A symbolic link is refused, wherever it leads, and what it leads to is not touched.", () => {
  const target = join(folder, "target.pcapng");
  writeFileSync(target, pcapHeader(65_535));
  for (const [name, to] of [
    ["link.pcapng", target],
    ["dangling.pcapng", join(folder, "nowhere.pcapng")],
  ] as const) {
    const link = join(folder, name);
    symlinkSync(to, link);
    assertRefused(link, /: it is a symbolic link$/, /captures hold secrets/);
    assert.equal(readlinkSync(link), to);
  }
  assert.equal(statSync(target).size, 24);
});

test("A folder is refused, with and without a slash.", () => {
  const path = join(folder, "folder.pcapng");
  mkdirSync(path);
  for (const given of [path, `${path}/`, `${join(folder, "not-there")}/`]) {
    assertRefused(given, /: it is a folder$/, /./);
  }
});

test("A missing folder is named.", () => {
  const path = join(folder, "not-there", "deep", "out.pcapng");
  assertRefused(path, /: there is no folder .*not-there\/deep$/, /check the folder/);
});

test("A path through a file, a path without end and a path in circles are refused in words.", () => {
  writeFileSync(join(folder, "file"), "");
  assertRefused(join(folder, "file", "out.pcapng"), /: a part of the path is no folder$/, /./);
  assertRefused(join(folder, "x".repeat(300)), /: the name is too long$/, /./);
  symlinkSync(join(folder, "circle"), join(folder, "circle"));
  assertRefused(join(folder, "circle", "out.pcapng"), /: its symbolic links lead nowhere$/, /./);
});

test("No name at all is refused.", () => {
  assertRefused("", /: it has no name$/, /out\.pcapng/);
});

test("A device and a socket are refused.", async () => {
  assertRefused("/dev/null", /: it is no regular file$/, /use -/);
  const path = join(folder, "socket.pcapng");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  assertRefused(path, /: it is no regular file$/, /use -/);
  await new Promise((resolve) => server.close(resolve));
});

test("Control characters of a path are shown escaped.", () => {
  assertRefused(join(folder, "a\x1b[2J\n", "b.pcapng"), /^[^\p{Cc}]*a\\x1b\[2J\\n[^\p{Cc}]*$/u, /./);
});

test("The descriptor is that of a regular file, and none of the three standard streams.", () => {
  const fd = openCapture(join(folder, "fresh.pcapng"), new ScriptedHost());
  try {
    assert.ok(fstatSync(fd).isFile());
    assert.ok(fd > 2);
  } finally {
    closeSync(fd);
  }
});
