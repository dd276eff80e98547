/** What decides how a connection is made and what is offered on it: -b, ConnectionAttempts, -E and the lists of algorithms for keys. */
import assert from "node:assert/strict";
import { appendFileSync, chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certificates.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { makeKey, type Sshd, startSshd } from "../kit/sshd.ts";
import { echoes } from "../kit/tcp-end.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { jumpWay } from "./jump-way.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const theEcho = shared(() => echoServer());
const directory = tempDirectory("connection-settings");
after(() => removeTemp(directory));

/** A command on the server, so that porthop ends by itself. */
async function attempt(sshd: Sshd, ...words: string[]) {
  await using program = porthop(["run", ...words, ...sshd.sshArgs, sshd.host, "true"]);
  const { code, stderr } = await program.exit;
  return { code, stderr };
}

async function sshAttempt(sshd: Sshd, ...words: string[]): Promise<number | null> {
  return (await run("ssh", [...words, ...sshd.sshArgs, sshd.host, "true"])).code;
}

for (const words of [
  ["-b", "127.0.0.7"],
  ["-o", "BindAddress=127.0.0.7"],
]) {
  test(`With ${words.join(" ")} the connection comes from that address, as with ssh.`, limits, async () => {
    const sshd = await theSshd();
    for (const work of [attempt, sshAttempt]) {
      const before = sshd.log().length;
      await work(sshd, ...words);
      assert.match(await sshd.logSince(before), /Accepted publickey for \S+ from 127\.0\.0\.7 /);
    }
  });
}

test(
  "An address that is not of this machine, or of the other family, is told, and ssh cannot either.",
  limits,
  async () => {
    const sshd = await theSshd();
    for (const [address, why] of [
      ["203.0.113.7", "cannot assign requested address"],
      ["::1", "it is no IPv4 address"],
      ["no-such-name.invalid", "it is no IPv4 address"],
    ] as const) {
      const { code, stderr } = await attempt(sshd, "-b", address);
      const [message, hint] = stderr.split("\n");
      const sshdName = `${sshd.host}:${sshd.port}`;
      assert.equal(
        message,
        `porthop: cannot reach sshd at ${sshdName}: cannot connect from ${address}: ${why} [ssh.unreachable]`,
      );
      assert.match(hint ?? "", /BindAddress \(-b\)/);
      assert.equal(code, 255);
      assert.equal(await sshAttempt(sshd, "-b", address), 255);
    }
  },
);

test("-b is for the connection made here: the first jump host's.", limits, async () => {
  await using way = await jumpWay(2);
  await using program = porthop(["run", "-b", "127.0.0.8", ...way.sshArgs, way.host, "true"]);
  assert.equal((await program.exit).code, 0);
  const [gate, inner] = way.sshds;
  assert.match(await gate.logSince(0), /Accepted publickey for \S+ from 127\.0\.0\.8 /);
  assert.doesNotMatch((await inner?.logSince(0)) ?? "", /127\.0\.0\.8/);
});

test(
  "With -B the connection comes from an address of that interface, or is not made, as with ssh.",
  limits,
  async () => {
    const sshd = await theSshd();
    for (const words of [
      ["-B", "lo"],
      ["-o", "BindInterface=lo"],
    ]) {
      const { code, stderr } = await attempt(sshd, ...words);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.equal(await sshAttempt(sshd, ...words), 0);
    }
    const { code, stderr } = await attempt(sshd, "-B", "nowhere7");
    assert.match(
      stderr,
      /: cannot connect from the interface nowhere7: it has no IPv4 address \[ssh\.unreachable\]\n {2}hint: .*BindInterface \(-B\)/,
    );
    assert.deepEqual([code, await sshAttempt(sshd, "-B", "nowhere7")], [255, 255]);
  },
);

test("With ConnectionAttempts a server that comes up late is reached.", limits, async () => {
  const sshd = await startSshd();
  await using _end = sshd;
  const { port } = sshd;
  await sshd.stop();
  const started = performance.now();
  await using program = porthop(["run", "-v", "-o", "ConnectionAttempts=20", ...sshd.sshArgs, sshd.host, "true"]);
  await program.stderr(/connecting to/);
  assert.ok(performance.now() - started >= 900, "the first attempt has failed by now");
  await sshd.start();
  assert.equal((await program.exit).code, 0);
  assert.equal(port, sshd.port);
});

test(
  "Attempts come one a second and end with the last one's error; a failed login is none of them.",
  limits,
  async () => {
    const port = await freePort();
    const started = performance.now();
    await using program = porthop(["run", "-o", "ConnectionAttempts=3", "-p", String(port), "127.0.0.1", "true"]);
    const { code, stderr } = await program.exit;
    const seconds = (performance.now() - started) / 1000;
    assert.equal(code, 255);
    assert.match(stderr, /connection refused \[ssh\.unreachable\]/);
    assert.ok(seconds >= 2 && seconds < 8, `${seconds} s`);
    const sshd = await theSshd();
    const stranger = makeKey(join(directory, "stranger"));
    const before = sshd.log().length;
    const refused = await attempt(sshd, "-o", "ConnectionAttempts=5", "-o", "IdentityFile=none", "-i", stranger);
    assert.equal(refused.code, 0, "the kit's own key comes behind it");
    assert.equal((await sshd.logSince(before)).match(/Connection from /g)?.length, 1);
  },
);

test("A login that fails, and a server that hangs up, are not tried again.", limits, async () => {
  let calls = 0;
  const server = createServer((socket) => {
    calls++;
    socket.on("error", () => {});
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const args = ["-F", "none", "-o", "ConnectionAttempts=5", "-p", String(port), "127.0.0.1", "true"];
  await using program = porthop(["run", ...args]);
  assert.equal((await program.exit).code, 255);
  assert.equal(calls, 1);
  server.close();
  const sshd = await theSshd();
  const before = sshd.log().length;
  const stranger = makeKey(join(directory, "stranger2"));
  const login = ["-p", String(sshd.port), "-l", sshd.user, "-o", `UserKnownHostsFile=${sshd.knownHostsFile}`];
  await using refused = porthop([
    "run",
    "-F",
    "none",
    "-o",
    "ConnectionAttempts=5",
    "-i",
    stranger,
    ...login,
    sshd.host,
    "true",
  ]);
  assert.match((await refused.exit).stderr, /\[ssh\.auth-failed\]/);
  assert.equal((await sshd.logSince(before)).match(/Connection from /g)?.length, 1);
});

for (const value of ["0", "-1", "x"]) {
  test(`ConnectionAttempts ${value} is refused, as by ssh.`, limits, async () => {
    const file = join(directory, `attempts${value}`);
    writeFileSync(file, `\nConnectionAttempts ${value}\n`);
    await using program = porthop(["run", "-F", file, "127.0.0.1", "true"]);
    const { code, stderr } = await program.exit;
    assert.match(
      stderr,
      new RegExp(`^porthop: ${file} line 2: ConnectionAttempts: "${value}" is not a number from 1 on`),
    );
    assert.equal(code, 1);
    assert.notEqual((await run("ssh", ["-F", file, "127.0.0.1", "true"])).code, 0);
  });
}

test(
  "-E writes what is said into a file of one's own, behind what is there, and nothing to stderr.",
  limits,
  async () => {
    const sshd = await theSshd();
    const file = join(directory, "porthop.log");
    for (let round = 1; round <= 2; round++) {
      await using tunnel = await openTunnel(sshd, [await theEcho()], { args: ["-E", file] });
      assert.equal(await echoes(tunnel.port), true);
      const { code, stderr } = await tunnel.stop();
      assert.deepEqual([code, stderr], [0, ""]);
      const text = readFileSync(file, "utf8");
      assert.equal(text.match(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z ready: press Ctrl-C to stop$/gm)?.length, round);
      assert.equal(statSync(file).mode & 0o777, 0o600);
    }
    chmodSync(file, 0o644);
    await attempt(sshd, "-E", file, "-v");
    assert.match(readFileSync(file, "utf8"), /logged in to/);
    assert.equal(statSync(file).mode & 0o777, 0o644, "one that was there keeps its rights");
  },
);

test(
  "With -E an error is in the file too, and a file that cannot be written is told before anything is connected.",
  limits,
  async () => {
    const file = join(directory, "errors.log");
    const words = ["-F", "none", "-p", String(await freePort()), "127.0.0.1", "true"];
    await using program = porthop(["run", "-E", file, ...words]);
    const { code, stderr } = await program.exit;
    assert.deepEqual([code, stderr], [255, ""]);
    assert.match(readFileSync(file, "utf8"), /^\S+Z porthop: cannot reach sshd .*\[ssh\.unreachable\]\n\S+Z {3}hint: /);
    const nowhere = join(directory, "nothing", "log");
    await using failed = porthop(["run", "-E", nowhere, ...words]);
    const end = await failed.exit;
    assert.equal(end.code, 1);
    assert.equal(
      end.stderr.split("\n")[0],
      `porthop: cannot write the log ${nowhere}: no such file or directory [file.cannot-write]`,
    );
    assert.equal(existsSync(nowhere), false);
  },
);

test("With -E what the remote command says to stderr stays there.", limits, async () => {
  const sshd = await theSshd();
  const file = join(directory, "command.log");
  await using program = porthop(["run", "-E", file, ...sshd.sshArgs, sshd.host, "echo out; echo err >&2"]);
  const { stdout, stderr } = await program.exit;
  assert.deepEqual([stdout, stderr], ["out\n", "err\n"]);
});

/** An sshd that takes a key of each kind, and what it says of the keys that it is offered. */
async function manyKeys() {
  const kinds = ["ed25519", "ecdsa", "rsa"] as const;
  const files = kinds.map((type) => makeKey(join(directory, `${type}-${Math.random()}`), type));
  const publicKeys = files.map((file) => readFileSync(`${file}.pub`, "utf8").trim());
  const sshd = await startSshd({ config: ["LogLevel DEBUG1"] });
  // The kit's own key must not help.
  writeFileSync(sshd.authorizedKeysFile, `${publicKeys[2]}\n`);
  const known = ["-o", `UserKnownHostsFile=${sshd.knownHostsFile}`, "-o", "GlobalKnownHostsFile=/dev/null"];
  const own = ["-F", "none", "-p", String(sshd.port), "-l", sshd.user, "-o", "BatchMode=yes", ...known];
  const words = [...files.flatMap((file) => ["-i", file]), ...own];
  return { sshd, words };
}

for (const [list, isAccepted] of [
  ["rsa-sha2-256", true],
  ["rsa-sha2-512", true],
  ["ssh-rsa", false],
  ["-ssh-ed25519", true],
  ["-rsa*", false],
  ["ssh-ed25519,ecdsa-sha2-nistp256", false],
  ["^rsa-sha2-256", true],
  ["+ssh-rsa", true],
] as const) {
  test(
    `PubkeyAcceptedAlgorithms ${list} offers the keys that ssh offers, with the same algorithms.`,
    limits,
    async () => {
      const { sshd, words } = await manyKeys();
      await using _end = sshd;
      const setting = ["-o", `PubkeyAcceptedAlgorithms=${list}`];
      const offers = async (work: () => Promise<number | null>) => {
        const before = sshd.log().length;
        const code = await work();
        const log = await sshd.logSince(before);
        return {
          code,
          asked: [...log.matchAll(/userauth_pubkey: (?:publickey )?test pkalg (\S+)/g)].map(([, name]) => name),
        };
      };
      const theirs = await offers(async () => (await run("ssh", [...setting, ...words, sshd.host, "true"])).code);
      const ours = await offers(async () => {
        await using program = porthop(["run", ...setting, ...words, sshd.host, "true"]);
        return (await program.exit).code;
      });
      assert.deepEqual(ours, theirs);
      assert.equal(ours.code, isAccepted ? 0 : 255);
    },
  );
}

test("A key that PubkeyAcceptedAlgorithms leaves out is named where the login fails.", limits, async () => {
  const sshd = await theSshd();
  const { code, stderr } = await attempt(sshd, "-o", "PubkeyAcceptedAlgorithms=rsa-sha2-512");
  assert.equal(code, 255);
  assert.match(stderr, /hint: .*client_key is of a kind that PubkeyAcceptedAlgorithms leaves out/);
});

/** An sshd with a host certificate of `authority`, and known_hosts that trusts it and knows no key. */
async function certifiedSshd(signature?: string) {
  const sshd = await startSshd();
  const authority = makeKey(join(directory, `authority-${Math.random()}`), signature === undefined ? "ed25519" : "rsa");
  const options = { authority, host: true, principals: ["127.0.0.1"], ...(signature && { signature }) };
  const certificate = await certify(join(sshd.directory, "host_ed25519"), options);
  appendFileSync(sshd.configFile, `HostCertificate ${certificate}\n`);
  await sshd.stop();
  await sshd.start();
  writeFileSync(sshd.knownHostsFile, `@cert-authority * ${readFileSync(`${authority}.pub`, "utf8")}`);
  return sshd;
}

test(
  "HostKeyAlgorithms with certificates alone asks for nothing else, and -*-cert-* for no certificate.",
  limits,
  async () => {
    const certificates = "HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com";
    await using certified = await certifiedSshd();
    const plain = await theSshd();
    for (const [sshd, setting, connects] of [
      [certified, certificates, true],
      [certified, "HostKeyAlgorithms=-*-cert-*", false],
      [certified, "HostKeyAlgorithms=ssh-ed25519", false],
      [plain, certificates, false],
      [plain, "HostKeyAlgorithms=-*-cert-*", true],
    ] as const) {
      const { code, stderr } = await attempt(sshd, "-o", setting);
      assert.equal(code, connects ? 0 : 255, `${setting}: ${stderr}`);
      assert.equal(await sshAttempt(sshd, "-o", setting), code, setting);
    }
    const { stderr } = await attempt(plain, "-o", certificates);
    assert.match(stderr, /have no algorithm in common: .*host key.*\[ssh\.protocol\]/);
  },
);

test(
  "A host certificate counts only when it is signed as CASignatureAlgorithms wants, as with ssh.",
  limits,
  async () => {
    await using sshd = await certifiedSshd("rsa-sha2-256");
    for (const [list, connects] of [
      ["rsa-sha2-256", true],
      ["-rsa-sha2-512", true],
      ["rsa-sha2-512,ssh-ed25519", false],
      ["-rsa*", false],
    ] as const) {
      const { code, stderr } = await attempt(sshd, "-o", `CASignatureAlgorithms=${list}`);
      assert.equal(code, connects ? 0 : 255, `${list}: ${stderr}`);
      assert.equal(await sshAttempt(sshd, "-o", `CASignatureAlgorithms=${list}`), code, list);
      if (!connects) assert.match(stderr, /signed with rsa-sha2-256, which CASignatureAlgorithms leaves out/);
    }
  },
);
