/**
 * A port of the server that another program has on one of the addresses: sshd says yes and listens on the rest, so that
 * some clients reach a stranger. Who may look says so, and who may not claims nothing.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { noMounts, startDropbear } from "../kit/dropbear.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { freePort } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { runToEnd } from "./failure.ts";
import { openRemoteSpecs } from "./remote-tunnel.ts";
import type { Server } from "./tunnel.ts";

builtExecutable();
const missing = need("sshd", "ssh", "ssh-add", "ssh-agent", "ssh-keygen");
const limits = {
  skip: missing || (process.platform !== "linux" && "needs Linux's /proc/net/tcp"),
  timeout: 60_000,
};
const theSshd = shared(() => startSshd());

/** Another program, on 127.0.0.1 and not on ::1. */
async function stranger(host = "127.0.0.1") {
  const server = createServer((socket) => socket.end("a stranger\n"));
  server.on("connection", (socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen({ port: 0, host, ipv6Only: true }, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("run says which half the server got, and who has the other, with each OpenSSH.", limits, async () => {
  for (const openssh of opensshes()) {
    await using sshd = await startSshd({ openssh });
    for (const [host, free] of [
      ["127.0.0.1", "[::1]"],
      ["::1", "127.0.0.1"],
    ] as const) {
      await using taken = await stranger(host);
      const spec = `${taken.port}:127.0.0.1:9`;
      await using tunnel = await openRemoteSpecs(sshd, [spec], { args: ["--ask-server"] });
      assert.deepEqual(tunnel.addresses(), [`${free}:${taken.port}`], openssh.version);
      const { stderr } = await tunnel.stop();
      const there = host === "::1" ? "[::1]" : host;
      const half = `porthop: warning: R1: the server listens on ${free}:${taken.port} only, for ${there}:${taken.port} was taken already`;
      assert.ok(stderr.includes(half), stderr);
    }
  }
});

test("All addresses are not claimed where one of them was taken.", limits, async () => {
  await using sshd = await startSshd({ config: ["GatewayPorts clientspecified"] });
  await using taken = await stranger();
  await using tunnel = await openRemoteSpecs(sshd, [`*:${taken.port}:127.0.0.1:9`], { args: ["--ask-server"] });
  assert.deepEqual(tunnel.addresses(), [`[::]:${taken.port}`]);
  assert.match(
    (await tunnel.stop()).stderr,
    /R1: the server listens on \[::\]:\d+ only, for 127\.0\.0\.1:\d+ was taken/,
  );
});

test("run claims no address where it may not look, and says which command tries.", limits, async () => {
  await using taken = await stranger();
  await using tunnel = await openRemoteSpecs(await theSshd(), [`${taken.port}:127.0.0.1:9`]);
  assert.deepEqual(tunnel.addresses(), []);
  const { stderr } = await tunnel.stop();
  const doubt = "on which of its addresses only it knows (porthop check tries)";
  assert.ok(stderr.includes(`R1 -> 127.0.0.1:9: the server listens on port ${taken.port}; ${doubt}\n`), stderr);
});

test("check finds the stranger in the server's table, or by what does not come back.", limits, async () => {
  await using taken = await stranger();
  const spec = ["-R", `${taken.port}:127.0.0.1:${taken.port}`];
  const looking = await checked(await theSshd(), spec);
  assert.equal(looking.code, 255, looking.stdout);
  assert.match(
    looking.stdout,
    /^no {3}leg 1 {2}R1 listener +the server listens on \[::1\]:\d+ only, for 127\.0\.0\.1:/m,
  );
  await using shut = await shutSshd();
  const trying = await checked(shut, spec);
  assert.equal(trying.code, 255, trying.stdout);
  const found = `the server listens on [::1]:${taken.port} only: another program answers on 127.0.0.1:${taken.port} there`;
  assert.ok(trying.stdout.includes(found), trying.stdout);
  assert.match(trying.stdout, /another port.*ss -ltnp/);
});

const onDropbear = {
  ...limits,
  skip: need("dropbear", "dropbearkey", "ssh-keygen", "unshare", "mount") || limits.skip || noMounts,
};

test("dropbear takes ::1 for a taken 127.0.0.1: run claims nothing, and check finds it.", onDropbear, async () => {
  await using taken = await stranger();
  await using dropbear = await startDropbear();
  const spec = `127.0.0.1:${taken.port}:127.0.0.1:${taken.port}`;
  await using tunnel = await openRemoteSpecs(dropbear, [spec]);
  assert.deepEqual(tunnel.addresses(), []);
  await tunnel.stop();
  const { code, stdout } = await checked(dropbear, ["-R", spec]);
  assert.equal(code, 255, stdout);
  assert.match(stdout, /R1 listener +the server listens on \[::1\]:\d+ only, for 127\.0\.0\.1:\d+ was taken already/);
});

test("check says what came back where nobody else is in the way.", limits, async () => {
  const port = await freePort();
  await using shut = await shutSshd();
  const { stdout } = await checked(shut, ["-R", `${port}:127.0.0.1:${shut.port}`]);
  const found = `the server listened on 127.0.0.1:${port} and [::1]:${port} (a connection to it came back)`;
  assert.ok(stdout.includes(found), stdout);
  assert.doesNotMatch(shut.log(), /Starting session: command/);
});

test("check claims nothing where the server dials nothing either.", limits, async () => {
  const port = await freePort();
  await using sshd = await shutSshd(["AllowTcpForwarding remote"]);
  const { stdout } = await checked(sshd, ["-R", `${port}:127.0.0.1:${sshd.port}`]);
  assert.ok(stdout.includes(`the server listened on port ${port}; on which of its addresses only it knows`), stdout);
});

/** An sshd that announces a forced command for the key, so that nothing may be run there. */
async function shutSshd(config: readonly string[] = []): Promise<Sshd> {
  const sshd = await startSshd({ config });
  writeFileSync(sshd.authorizedKeysFile, `command="/bin/false" ${sshd.publicKey}\n`);
  return sshd;
}

function checked({ sshArgs, host }: Server, args: readonly string[]) {
  return runToEnd(["check", ...args, ...sshArgs, host]);
}
