/** Hosts that are not there, ports that are not sshd's, keys that are not the host's: all before a session stands. */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { flood, rawServer } from "../kit/raw-server.ts";
import { freePort, httpServer } from "../kit/servers.ts";
import { clearPacket } from "../kit/ssh-stream.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { assertFails, type Failure } from "./failure.ts";
import { residentBytes, tidyMemory } from "./resident.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen");
const plain = { timeout: 60_000 };
const limits = { skip: missing, ...plain };
const theSshd = shared(() => startSshd());
const folder = tempDirectory("bad-servers");
after(() => removeTemp(folder));

const forward = ["-L", "18080:localhost:80"];
const protocol = { exit: 255, code: "ssh.protocol", leg: 2 } as const;
const lost = { exit: 255, code: "ssh.lost", leg: 2 } as const;
const waited = [/^connecting to 127\.0\.0\.1 \.\.\.$/];

/** What porthop says of a server that plays this. */
async function assertServerFails(play: (socket: Socket) => void, expected: Failure): Promise<void> {
  await using server = await rawServer((socket) => {
    socket.resume();
    play(socket);
  });
  const args = [...forward, "-o", "ConnectTimeout=2", "-p", String(server.port), server.host];
  await assertFails(args, { ...expected, says: [`127.0.0.1:${server.port}`, ...expected.says] });
}

test("A host whose name nobody knows is named, and it is leg 2 that failed.", plain, async () => {
  const name = "no-such-host.invalid";
  const expected = { exit: 255, code: "host.not-found", leg: 2, says: [name], hint: /spelling/ } as const;
  await assertFails([...forward, `alice@${name}`], expected);
  await assertFails([...forward, "-o", `HostName=${name}`, "alias"], expected);
});

test("A port on which nobody listens is told from a host that is not there.", plain, async () => {
  const port = await freePort();
  await assertFails([...forward, "-p", String(port), "127.0.0.1"], {
    exit: 255,
    code: "ssh.unreachable",
    leg: 2,
    says: [`127.0.0.1:${port}`, "connection refused"],
    hint: /check the port \(-p\) and that sshd runs/,
  });
});

test("A web server on the port is told by what it answers.", plain, async () => {
  await using web = await httpServer();
  await assertFails([...forward, "-p", String(web.port), web.host], {
    ...protocol,
    says: [`${web.host}:${web.port} does not speak SSH`, '"HTTP/1.1 400 Bad Request'],
    hint: /another service has that port/,
  });
});

test("Other services that speak first are told by what they say, escaped.", plain, async () => {
  const said = (text: string) => ({
    ...protocol,
    says: ["does not speak SSH", `it said ${text}`],
    hint: /port \(-p\)/,
  });
  await assertServerFails((socket) => socket.end("220 mail.example ESMTP\r\n"), said('"220 mail.example ESMTP"'));
  await assertServerFails((socket) => socket.end(Uint8Array.of(21, 3, 1, 0, 2, 2, 70)), said('"\\x15\\x03\\x01'));
  await assertServerFails(
    (socket) => socket.end("\u001b]0;pwned\u0007\u001b[2J"),
    said('"\\x1b]0;pwned\\x07\\x1b[2J"'),
  );
  const garbage = Uint8Array.from({ length: 5000 }, (_, index) => (index * 167) % 256);
  await assertServerFails((socket) => socket.end(garbage), said('"\\x00'));
});

test("A server of SSH 1 is told so, in place of an invalid identification string.", plain, async () => {
  await assertServerFails((socket) => socket.write("SSH-1.5-old\n"), {
    ...protocol,
    says: [/:\d+ speaks SSH 1\.5, and porthop only SSH 2\.0$/],
    hint: /has to be renewed/,
  });
  await assertServerFails((socket) => socket.write("SSH-9.9-\u001b[31m\r\n"), {
    ...protocol,
    says: ["speaks SSH 9.9"],
  });
  await assertServerFails((socket) => socket.write("SSH-2.0-\r\n"), {
    ...protocol,
    says: ['that is none: "SSH-2.0-"'],
  });
  // RFC 4253, section 5.1: a server that speaks both.
  const expected = { ...lost, says: ["before the SSH handshake was done"] };
  await assertServerFails((socket) => socket.end("SSH-1.99-old\r\n"), expected);
});

test("A server that goes on with garbage, or that says goodbye, is told in plain words.", plain, async () => {
  await assertServerFails((socket) => socket.write(`SSH-2.0-x\r\n${"x".repeat(1000)}`), {
    ...protocol,
    says: ["arrived damaged: its length makes no sense"],
  });
  // SSH_MSG_DISCONNECT (RFC 4253, section 11.1): reason 2, a description, no language.
  const words = "\u001b[31m\u0007go away";
  const payload = Buffer.concat([Buffer.of(1, 0, 0, 0, 2, 0, 0, 0, words.length), Buffer.from(words), Buffer.alloc(4)]);
  const disconnect = clearPacket(payload);
  await assertServerFails((socket) => socket.write(Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), disconnect])), {
    ...lost,
    says: ['it said "\\x1b[31m\\x07go away" (reason 2: protocol error)'],
  });
});

test("A server that says nothing, or nothing that has an end, is given up after ConnectTimeout.", plain, async () => {
  const nothing = { ...protocol, says: ["no answer within 2 s"], before: waited };
  const greeted = { ...protocol, says: ['does not speak SSH: it said "220 mail.example ESMTP"'], before: waited };
  await Promise.all([
    assertServerFails(() => {}, nothing),
    assertServerFails((socket) => socket.write("SSH-2.0-x\r\n"), nothing),
    assertServerFails((socket) => socket.write("220 mail.example ESMTP\r\n"), greeted),
  ]);
});

test("A server that closes the connection at once is told at once.", plain, async () => {
  const told = (...says: string[]) => ({ ...lost, says, hint: /MaxStartups, PerSourcePenalties/ });
  await assertServerFails((socket) => socket.end(), told("closed the connection before its SSH greeting"));
  const early = "closed the connection before the SSH handshake was done";
  await assertServerFails((socket) => socket.end("SSH-2.0-OpenSSH_9.9\r\n"), told(early));
  const words = "Closed on Sundays\r\nSSH-2.0-OpenSSH_9.9\r\n";
  await assertServerFails((socket) => socket.end(words), told(early, 'it said "Closed on Sundays"'));
  for (const reason of ["Exceeded MaxStartups", "Not allowed at this time"]) {
    await assertServerFails(
      (socket) => socket.end(`${reason}\r\n`),
      told(`turned the connection away: it said "${reason}"`),
    );
  }
});

test("A banner without end, with lines or without, is given up in bounded memory.", plain, async () => {
  for (const chunk of [Buffer.alloc(65_536, 0x61), Buffer.from("hello\r\n".repeat(9000))]) {
    await assertServerFails((socket) => flood(socket, chunk), { ...protocol, says: ["does not speak SSH"] });
  }
  // One that feeds it slowly enough never to be caught at a long line.
  await using server = await rawServer((socket) => {
    socket.resume();
    const timer = setInterval(() => socket.write("a\n"), 1);
    socket.on("close", () => clearInterval(timer));
  });
  const words = ["run", ...forward, "-o", "ConnectTimeout=2", "-p", String(server.port), server.host];
  await using program = porthop(words, { env: tidyMemory });
  await program.stderr(/^connecting/m);
  assert.ok(residentBytes(program.pid) < 150_000_000, `${residentBytes(program.pid)} bytes`);
  assert.equal((await program.exit).code, 255);
  assert.match(program.stderrText, /does not speak SSH: .*\[ssh\.protocol\]$/m);
});

test("An identification that comes byte by byte is as good as any.", limits, async () => {
  const sshd = await theSshd();
  for (const bytes of [1, 7]) {
    await using slow = await slowBanner(sshd, bytes);
    const alias = `HostKeyAlias=[${sshd.host}]:${sshd.port}`;
    const args = [
      "run",
      "-p",
      String(slow.port),
      "-o",
      alias,
      "-L",
      `${await freePort()}:localhost:80`,
      ...sshd.sshArgs,
    ];
    await using program = porthop([...args, slow.host]);
    await program.stderr(/^ready/m);
    program.signal("SIGINT");
    assert.equal((await program.exit).code, 130);
  }
});

test("A server with which no cipher is shared is told with its own list's name.", limits, async () => {
  await using sshd = await startSshd({ config: ["Ciphers aes128-cbc"] });
  await assertFails([...forward, ...sshd.sshArgs, sshd.host], {
    ...protocol,
    says: [`${sshd.host}:${sshd.port}`, "no algorithm in common", "cipher"],
  });
});

test(
  "A changed host key is refused whatever the settings, and no line of known_hosts is touched.",
  limits,
  async () => {
    await using sshd = await startSshd();
    const stranger = (await theSshd()).hostKeys[0];
    const known = join(folder, "changed");
    writeFileSync(known, `[${sshd.host}]:${sshd.port} ${stranger}\n`);
    const before = readFileSync(known);
    for (const strict of ["yes", "accept-new", "ask", "no"]) {
      const settings = ["-o", `UserKnownHostsFile=${known}`, "-o", `StrictHostKeyChecking=${strict}`];
      await assertFails([...forward, ...settings, ...sshd.sshArgs, sshd.host], {
        exit: 255,
        code: "ssh.host-key-changed",
        leg: 2,
        says: [`[${sshd.host}]:${sshd.port} has changed`, /now the ED25519 key SHA256:\S+, but/, `${known}:1 has`],
        hint: new RegExp(`only when the new key is confirmed: ssh-keygen -f ${known} -R `),
      });
      assert.deepEqual(readFileSync(known), before);
    }
  },
);

test(
  "An unknown host key without a terminal is an error with the line to add, and a revoked one has none.",
  limits,
  async () => {
    const sshd = await theSshd();
    const known = join(folder, "unknown");
    writeFileSync(known, "");
    const args = (strict: string) => [
      ...forward,
      ...["-o", `UserKnownHostsFile=${known}`, "-o", `StrictHostKeyChecking=${strict}`],
      ...sshd.sshArgs,
      sshd.host,
    ];
    const line = `[${sshd.host}]:${sshd.port} ${sshd.hostKeys[0]}`;
    for (const strict of ["yes", "ask"]) {
      await assertFails(args(strict), {
        exit: 255,
        code: "ssh.host-key-unknown",
        leg: 2,
        says: [`[${sshd.host}]:${sshd.port} is not known`, /ED25519 key SHA256:\S+/],
        hint: new RegExp(`add this line to ${known}: ${line.replaceAll(/[[\]+.]/g, "\\$&")}$`),
      });
    }
    assert.equal(readFileSync(known, "utf8"), "");
    appendFileSync(known, `@revoked * ${sshd.hostKeys[0]}\n`);
    for (const strict of ["yes", "no"]) {
      await assertFails(args(strict), {
        exit: 255,
        code: "ssh.host-key-revoked",
        leg: 2,
        says: ["is marked as revoked", `${known}:1`],
        hint: /do not connect/,
      });
    }
  },
);

test("A known_hosts file that cannot be read is a warning, and nobody is trusted for it.", limits, async () => {
  const sshd = await theSshd();
  const settings = ["-o", `UserKnownHostsFile=${folder}`, ...sshd.sshArgs];
  await assertFails([...forward, ...settings, sshd.host], {
    exit: 255,
    code: "ssh.host-key-unknown",
    leg: 2,
    says: ["is not known"],
    before: [new RegExp(`cannot read known hosts from ${folder}: is a directory`)],
  });
});

test("A time too long for a timer is no time at all, and not a timeout of a millisecond.", limits, async () => {
  const sshd = await theSshd();
  const times = ["ConnectTimeout=99999999", "ServerAliveInterval=99999999"].flatMap((time) => ["-o", time]);
  const args = [
    "run",
    "-L",
    `${await freePort()}:localhost:80`,
    "--grace",
    "9999w",
    ...times,
    ...sshd.sshArgs,
    sshd.host,
  ];
  await using program = porthop(args);
  await program.stderr(/^ready/m);
  program.signal("SIGINT");
  assert.equal((await program.exit).code, 130);
});

/** sshd behind a line so slow that its identification comes in pieces. */
async function slowBanner(sshd: Sshd, bytes: number) {
  return rawServer((socket) => {
    const upstream = createConnection({ host: sshd.host, port: sshd.port });
    upstream.on("error", () => {});
    socket.pipe(upstream);
    upstream.once("data", (banner: Uint8Array) => {
      upstream.pause();
      let at = 0;
      const timer = setInterval(() => {
        socket.write(banner.subarray(at, at + bytes));
        at += bytes;
        if (at < banner.length) return;
        clearInterval(timer);
        upstream.pipe(socket);
      }, 2);
    });
    socket.on("close", () => upstream.destroy());
  });
}
