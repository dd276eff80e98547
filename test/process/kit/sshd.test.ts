import assert from "node:assert/strict";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { stateOf } from "../../kit/carried-flow.ts";
import { need } from "../../kit/packages.ts";
import { isAlive } from "../../kit/processes.ts";
import { type Ran, run } from "../../kit/run.ts";
import { echoServer } from "../../kit/servers.ts";
import { type Sshd, startSshd } from "../../kit/sshd.ts";
import { connectTo } from "../../kit/tcp-end.ts";
import { Transcript } from "../../kit/transcript.ts";

const missing = need("sshd", "ssh", "ssh-keygen");
const limits = { skip: missing, timeout: 60_000 };

test("Plain ssh logs in to the started sshd with the arguments it hands out.", limits, async () => {
  await using sshd = await startSshd();
  const told = await run("ssh", [...sshd.sshArgs, sshd.host, "echo $((6 * 7)); exit 3"]);
  assert.deepEqual([told.code, told.stdout, told.stderr], [3, "42\n", ""]);
  assert.match(await sshd.logSince(0), /Accepted publickey for /);
  assert.equal(statSync(sshd.directory).mode & 0o777, 0o700);
});

test("It listens on IPv6 loopback too, and its files are gone once it is disposed.", limits, async () => {
  let directory: string;
  {
    await using sshd = await startSshd({ host: "::1" });
    directory = sshd.directory;
    const told = await run("ssh", [...sshd.sshArgs, "::1", "true"]);
    assert.deepEqual([told.code, told.stderr], [0, ""]);
  }
  assert.equal(existsSync(directory), false);
});

test("What it logged is given when the connections that it logged are over, and not before.", limits, async () => {
  await using sshd = await startSshd();
  const after = sshd.log().length;
  await using client = await connectTo(sshd.port);
  await sshd.logged(new RegExp(`Connection from ${client.address.replace(":", " port ")} `), { after });
  const told = sshd.logSince(after);
  assert.equal(await stateOf(told), "pending");
  client.reset();
  assert.match(await told, /^Connection from .*\n(?:.*\n)*.*port \d+/);
});

test("Each wanted host key is offered, and known under its own line.", limits, async () => {
  await using sshd = await startSshd({ hostKeys: ["ecdsa", "ed25519", "rsa"] });
  for (const algorithm of ["ecdsa-sha2-nistp256", "ssh-ed25519", "rsa-sha2-512"]) {
    const told = await run("ssh", [...sshd.sshArgs, "-o", `HostKeyAlgorithms=${algorithm}`, sshd.host, "true"]);
    assert.deepEqual([told.code, told.stderr], [0, ""], algorithm);
  }
});

test(
  "The lines of the test win over the kit's own, and a Match block applies to nothing but itself.",
  limits,
  async () => {
    await using sshd = await startSshd({
      config: ["AllowTcpForwarding no", "Banner /dev/null", "Match User nobody", "  ForceCommand echo forced"],
    });
    const told = await run("ssh", [...sshd.sshArgs, sshd.host, "echo mine"]);
    assert.equal(told.stdout, "mine\n");
    await using target = await echoServer();
    const refused = await run("ssh", [...sshd.sshArgs, "-W", `${target.host}:${target.port}`, sshd.host], {
      input: "x",
    });
    assert.equal(refused.code, 255);
    assert.match(refused.stderr, /administratively prohibited/);
  },
);

test("Killing it breaks open sessions at once and leaves none of its processes.", limits, async () => {
  await using sshd = await startSshd();
  const session = await openSession(sshd);
  const pids = sshd.sessionPids();
  assert.ok(pids.length > 0);
  await sshd.kill();
  assert.equal((await session.lost).code, 255);
  assert.deepEqual(pids.filter(isAlive), []);
  assert.deepEqual(sshd.sessionPids(), []);
});

test("Dropping its sessions breaks them, while a new login works.", limits, async () => {
  await using sshd = await startSshd();
  const session = await openSession(sshd);
  await sshd.dropSessions();
  assert.equal((await session.lost).code, 255);
  assert.equal((await run("ssh", [...sshd.sshArgs, sshd.host, "true"])).code, 0);
});

test("Stopped and started again it has the same port and the same host key.", limits, async () => {
  await using sshd = await startSshd();
  const session = await openSession(sshd);
  await sshd.stop();
  assert.equal((await session.lost).code, 255);
  assert.notEqual((await run("ssh", [...sshd.sshArgs, sshd.host, "true"])).code, 0);
  await sshd.start();
  const told = await run("ssh", [...sshd.sshArgs, sshd.host, "true"]);
  assert.deepEqual([told.code, told.stderr], [0, ""]);
});

test("Another sshd on the same port is a changed host key to whoever knew the first.", limits, async () => {
  await using first = await startSshd();
  await first.stop();
  await using second = await startSshd({ port: first.port, authorizedKeys: [first.publicKey] });
  assert.notDeepEqual(second.hostKeys, first.hostKeys);
  const told = await run("ssh", [...first.sshArgs, first.host, "true"]);
  assert.equal(told.code, 255);
  assert.match(told.stderr, /REMOTE HOST IDENTIFICATION HAS CHANGED/);
  writeFileSync(first.knownHostsFile, `[${second.host}]:${second.port} ${second.hostKeys[0]}\n`);
  assert.equal((await run("ssh", [...first.sshArgs, first.host, "true"])).code, 0);
});

test("A configuration that sshd refuses is told with sshd's own words.", limits, async () => {
  await assert.rejects(startSshd({ config: ["NoSuchKeyword yes"] }), /sshd ended at once:[\s\S]*NoSuchKeyword/);
});

/** A session that runs a command without end, after that command has said that it runs. */
async function openSession(sshd: Sshd): Promise<{ readonly lost: Promise<Ran> }> {
  const output = new Transcript("the session's output");
  const lost = run("ssh", [...sshd.sshArgs, sshd.host, "echo up; exec sleep 1000"], {
    onStdout: (chunk) => output.add(Buffer.from(chunk).toString("latin1")),
  });
  await output.until(/up/);
  return { lost };
}
