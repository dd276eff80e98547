/** Capture paths that cannot be written, and disks that are full: nothing of anybody's is touched, and forwards go on. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { tinyDisk } from "../kit/disk.ts";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { Porthop } from "../kit/porthop.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { freePort, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { assertClean, assertFails, assertTold, runToEnd } from "./failure.ts";
import { handOver, normalUser, normalUserTools } from "./normal-user.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const plain = { timeout: 60_000 };
const missing = need("sshd", "ssh-keygen");
const limits = { ...plain, skip: missing };
const theSshd = shared(() => startSshd());
const folder = tempDirectory("bad-files");
after(() => removeTemp(folder));

const rest = ["-L", "18080:localhost:80", "-p", "1", "127.0.0.1"];

async function assertCannotWrite(path: string, why: string | RegExp, hint?: RegExp): Promise<void> {
  const says = [`cannot write the capture ${path}`, why];
  const expected = { exit: 1, code: "file.cannot-write", says, ...(hint === undefined ? {} : { hint }) } as const;
  await assertFails(["--capture", path, ...rest], expected);
}

test(
  "A capture in a folder that is not there is refused with the folder's name, and none is made.",
  plain,
  async () => {
    const path = join(folder, "no", "such", "out.pcapng");
    await assertCannotWrite(path, `there is no folder ${join(folder, "no", "such")}`, /folder/);
    assert.equal(existsSync(join(folder, "no")), false);
    writeFileSync(join(folder, "plain"), "");
    await assertCannotWrite(join(folder, "plain", "out.pcapng"), "a part of the path is no folder");
    await assertCannotWrite(join(folder, `${"x".repeat(256)}`), "the name is too long");
    await assertFails(["--capture", "", ...rest], { exit: 1, code: "file.cannot-write", says: ["it has no name"] });
  },
);

test("A file that exists and is no capture stays as it is, byte for byte.", plain, async () => {
  const contents = ["my only copy of the thesis\n", "\n", "\u0000", "\u00d4\u00c3\u00b2", "pcapng"];
  for (const [index, content] of contents.entries()) {
    const path = join(folder, `thesis-${index}.pcapng`);
    writeFileSync(path, content, { mode: 0o640 });
    const before = statSync(path);
    await assertCannotWrite(path, "the file exists and is no capture", /another name/);
    assert.equal(readFileSync(path, "utf8"), content);
    const now = statSync(path);
    assert.deepEqual([now.ino, now.mtimeMs, now.mode], [before.ino, before.mtimeMs, before.mode]);
  }
});

test("A folder, a fifo, a device and a link are refused, and stay what they are.", plain, async () => {
  const directory = join(folder, "folder.pcapng");
  mkdirSync(directory);
  await assertCannotWrite(directory, "it is a folder");
  const fifo = join(folder, "fifo.pcapng");
  assert.equal(spawnSync("mkfifo", [fifo]).status, 0);
  await assertCannotWrite(fifo, "it is no regular file", /use -/);
  assert.equal(lstatSync(fifo).isFIFO(), true);
  await assertCannotWrite("/dev/null", "it is no regular file");
  assert.equal(lstatSync("/dev/null").isCharacterDevice(), true);
  const [target, link] = [join(folder, "secret"), join(folder, "link.pcapng")];
  writeFileSync(target, "");
  symlinkSync(target, link);
  await assertCannotWrite(link, "it is a symbolic link");
  assert.deepEqual([readlinkSync(link), readFileSync(target, "utf8")], [target, ""]);
  const dangling = join(folder, "dangling.pcapng");
  symlinkSync(join(folder, "nowhere"), dangling);
  await assertCannotWrite(dangling, "it is a symbolic link");
  assert.equal(existsSync(join(folder, "nowhere")), false);
});

test("A capture of somebody else, or in a folder without rights, is left alone.", {
  ...plain,
  skip: need(...normalUserTools),
}, async () => {
  await using user = await normalUser();
  const denied = { exit: 1, code: "file.cannot-write" } as const;
  const closed = join(user.home, "closed");
  mkdirSync(closed);
  handOver(closed);
  chmodSync(closed, 0o555);
  const path = join(closed, "out.pcapng");
  assertTold(await user.run(["run", "--capture", path, ...rest]), { ...denied, says: [path, "permission denied"] });
  assert.deepEqual(readdirSync(closed), []);
  const foreign = join(user.home, "foreign.pcapng");
  writeFileSync(foreign, "not to be read\n");
  chmodSync(foreign, 0);
  assertTold(await user.run(["run", "--capture", foreign, ...rest]), {
    ...denied,
    says: [foreign, "permission denied"],
  });
  assert.equal(statSync(foreign).size, 15);
});

test("Events and a capture cannot both have stdout.", plain, async () => {
  const says = ["--json", "--capture -", "stdout"];
  const usage = { exit: 2, code: "usage", says } as const;
  assertTold(await runToEnd(["run", "--json", "--capture", "-", ...rest]), usage);
  assertTold(await runToEnd(["run", "--json", "--use", "capture:file=-", ...rest]), usage);
});

test("The demo refuses the same paths, and does not speak of a capture then.", plain, async () => {
  const path = join(folder, "thesis.pcapng");
  writeFileSync(path, "still here\n");
  const exit = await runToEnd(["demo", "--capture", path]);
  assertTold(exit, { exit: 1, code: "file.cannot-write", says: [path, "is no capture"] });
  assert.doesNotMatch(exit.stdout, /wireshark|The capture of/);
  assert.equal(readFileSync(path, "utf8"), "still here\n");
});

test("On a full disk the capture ends with one warning and the transfer does not.", limits, async (t) => {
  using disk = tinyDisk(1);
  if (disk.path === undefined) {
    t.skip("only root can mount a disk of its own");
    return;
  }
  await assertTransferGoesOn(
    ["--capture", join(disk.path, "out.pcapng")],
    /the disk is full: the capture .* ended, the forwards go on$/,
  );
});

test(
  "At the limit for files (ulimit -f) the capture ends with one warning and the transfer does not.",
  limits,
  async () => {
    const sshd = await theSshd();
    await using source = await sourceServer({ bytes });
    const port = await freePort();
    const args = ["run", "--capture", join(folder, "limited.pcapng"), "-L", `${port}:${source.host}:${source.port}`];
    const launched = launch([...args, ...sshd.sshArgs, sshd.host]);
    const command = ["/bin/sh", "-c", 'ulimit -f 512; exec "$@"', "sh", ...launched.command];
    await using program = new Porthop({ ...launched, command }, {});
    await program.stderr(/^ready/m);
    await using client = await connectTo(port);
    client.end();
    assert.deepEqual(await client.received, { ...(await sumOf(randomChunks(bytes))), ended: true });
    program.signal("SIGTERM");
    const exit = await program.exit;
    assert.equal(exit.code, 0);
    assertOneWarning(exit.stderr, /cannot write the capture .* any more .*: it ended, the forwards go on$/);
  },
);

const bytes = 20_000_000;

async function assertTransferGoesOn(args: readonly string[], warning: RegExp): Promise<void> {
  await using source = await sourceServer({ bytes });
  await using tunnel = await openTunnel(await theSshd(), [source], { args });
  for (let round = 0; round < 2; round++) {
    await using client = await tunnel.connect();
    client.end();
    assert.deepEqual(await client.received, { ...(await sumOf(randomChunks(bytes))), ended: true });
  }
  const exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assertClean(exit);
  assertOneWarning(exit.stderr, warning);
}

function assertOneWarning(stderr: string, pattern: RegExp): void {
  const warnings = stderr.split("\n").filter((line) => line.startsWith("porthop: warning: "));
  assert.equal(warnings.length, 1, stderr);
  assert.match(warnings[0] ?? "", pattern);
}
