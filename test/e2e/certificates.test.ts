/** Certificates of users and of hosts, signed by ssh-keygen, against a real sshd; ssh itself has the say where both could do otherwise. */
import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { type CertificateOptions, certify } from "../kit/certificates.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshAgent } from "../kit/ssh-agent.ts";
import { type KeyType, makeKey, type Sshd, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen", "ssh-agent", "ssh-add"), timeout: 60_000 };
const directory = tempDirectory("certificates");
after(() => removeTemp(directory));
let made = 0;

const theAuthority = shared(async () => ({
  file: makeKey(join(directory, "authority")),
  async [Symbol.asyncDispose]() {},
}));

/** An sshd that takes users with a certificate of the authority, and no keys. */
const theSshd = shared(async () => {
  const { file } = await theAuthority();
  const sshd = await startSshd({ config: [`TrustedUserCAKeys ${file}.pub`] });
  writeFileSync(sshd.authorizedKeysFile, "");
  return sshd;
});

interface UserCase extends Partial<CertificateOptions> {
  readonly type?: KeyType;
}

/** A fresh key with a certificate for the one who runs sshd, unless the test says otherwise. */
async function certifiedKey({ type = "ed25519", ...options }: UserCase = {}) {
  const file = makeKey(join(directory, `user${++made}`), type);
  const { file: authority } = await theAuthority();
  const { user } = await theSshd();
  const certificate = await certify(file, { authority, principals: [user], ...options });
  return { file, certificate };
}

for (const type of ["ed25519", "ecdsa", "rsa"] as const) {
  test(`A certificate beside a key of type ${type} logs in.`, limits, async () => {
    const sshd = await theSshd();
    const { file } = await certifiedKey({ type });
    const { ready, stderr } = await attempt(sshd, ["-i", file]);
    assert.equal(ready, true, stderr);
    await sshd.logged(new RegExp(`Accepted publickey for \\S+ .* ${type.toUpperCase()}-CERT `));
  });

  test(`A certificate of type ${type} that an agent holds logs in.`, limits, async () => {
    const { file } = await certifiedKey({ type });
    await using agent = await startSshAgent();
    // ssh-add takes the certificate beside the key along.
    await agent.add(file);
    const { ready, stderr } = await attempt(await theSshd(), [], { SSH_AUTH_SOCK: agent.socket });
    assert.equal(ready, true, stderr);
  });
}

test("CertificateFile names a certificate that is elsewhere, and its key may be in an agent.", limits, async () => {
  const sshd = await theSshd();
  const { file, certificate } = await certifiedKey();
  const elsewhere = join(directory, `elsewhere${++made}.pub`);
  const plain = join(directory, `plain${made}`);
  copyFileSync(certificate, elsewhere);
  copyFileSync(file, plain);
  const named = ["-o", `CertificateFile=${elsewhere}`];
  assert.equal((await attempt(sshd, ["-i", plain, ...named])).ready, true);
  await using agent = await startSshAgent();
  await agent.add(plain);
  assert.equal((await attempt(sshd, named, { SSH_AUTH_SOCK: agent.socket })).ready, true);
});

test(
  "A certificate that is for others, or at another time, is offered, refused, and told with what it says.",
  limits,
  async () => {
    const { user } = await theSshd();
    const cases: readonly (readonly [UserCase, RegExp])[] = [
      [
        { principals: ["alice", "bob"] },
        new RegExp(`the certificate \\S+-cert\\.pub: it is for alice, bob, not for ${user}`),
      ],
      [{ validity: "20200101:20200102" }, /it expired on 2020-01-02T/],
      [{ validity: "20990101:20990102" }, /it is not valid before 2099-01-01T/],
      [{ principals: [] }, /it names no users/],
      [{ options: ["source-address=192.0.2.0/24"] }, /it may be used from 192\.0\.2\.0\/24 only/],
    ];
    for (const [options, hint] of cases) {
      const { file } = await certifiedKey(options);
      const { code, stderr } = await attempt(await theSshd(), ["-i", file]);
      assert.equal(code, 255);
      assert.match(stderr, /\[ssh\.auth-failed\]/);
      assert.match(stderr, hint);
    }
  },
);

test(
  "A certificate of an authority that the server does not trust is told with that authority's fingerprint.",
  limits,
  async () => {
    const authority = makeKey(join(directory, `stranger${++made}`));
    const { file } = await certifiedKey({ authority });
    const { code, stderr } = await attempt(await theSshd(), ["-i", file]);
    assert.equal(code, 255);
    const [, fingerprint = ""] = (await run("ssh-keygen", ["-lf", `${authority}.pub`])).stdout.split(" ");
    assert.ok(stderr.includes(`the server may not trust its authority ${fingerprint}`), stderr);
  },
);

test("A certificate for hosts is no login, and a named one without its key is told.", limits, async () => {
  const sshd = await theSshd();
  const { certificate } = await certifiedKey({ host: true, principals: ["127.0.0.1"] });
  assert.match((await attempt(sshd, ["-o", `CertificateFile=${certificate}`])).stderr, /for hosts, not for users/);
  const user = await certifiedKey();
  const named = await attempt(sshd, ["-o", `CertificateFile=${user.certificate}`]);
  assert.match(named.stderr, /there is no private key for the certificate/);
});

test("Keys and certificates are offered in ssh's own order.", limits, async () => {
  const { file, certificate } = await certifiedKey();
  const { file: other } = await certifiedKey();
  const { authority: stranger } = { authority: makeKey(join(directory, `stranger${++made}`)) };
  await using sshd = await startSshd({ config: [`TrustedUserCAKeys ${stranger}.pub`] });
  for (const words of [
    ["-i", file, "-i", other],
    ["-i", other, "-o", `CertificateFile=${certificate}`, "-i", file],
  ]) {
    const before = sshd.log().length;
    await attempt(sshd, words);
    const ours = offered(await sshd.logSince(before));
    const middle = sshd.log().length;
    await run("ssh", [...bare(sshd), ...words, sshd.host, "true"]);
    assert.deepEqual(ours, offered(await sshd.logSince(middle)));
    assert.ok(ours.length >= 3, ours.join("\n"));
  }
});

/** A host key with a certificate for these names, unless the test says otherwise. */
async function certifiedSshd(options: Partial<CertificateOptions> = {}, type: KeyType = "ed25519"): Promise<Sshd> {
  const sshd = await startSshd({ hostKeys: [type] });
  const { file: authority } = await theAuthority();
  const certificate = await certify(join(sshd.directory, `host_${type}`), {
    ...{ authority, host: true, principals: ["127.0.0.1", "vishnu.example"] },
    ...options,
  });
  appendFileSync(sshd.configFile, `HostCertificate ${certificate}\n`);
  await sshd.stop();
  await sshd.start();
  return sshd;
}

async function trusting(pattern: string, authority?: string): Promise<string> {
  const path = join(directory, `known${++made}`);
  const { file } = await theAuthority();
  writeFileSync(path, `@cert-authority ${pattern} ${readFileSync(`${authority ?? file}.pub`, "utf8")}`);
  return path;
}

for (const type of ["ed25519", "ecdsa", "rsa"] as const) {
  test(
    `A host with a certificate of type ${type} is known through its authority, also after a key exchange in between.`,
    limits,
    async () => {
      await using sshd = await certifiedSshd({}, type);
      appendFileSync(sshd.configFile, "RekeyLimit 128K\n");
      await sshd.stop();
      await sshd.start();
      const file = await trusting("[127.0.0.1]:*");
      await using echo = await echoServer();
      await using tunnel = await openTunnel(sshd, [echo], { args: ["-vv", ...strictly(file)] });
      const bytes = Buffer.alloc(2 * 1024 * 1024, "certificate");
      await using client = await tunnel.connect();
      const sent = client.send([bytes]);
      await client.got(bytes.length);
      await sent;
      // Keys were exchanged again.
      await tunnel.program.stderr(/(?:Handshake completed.*){4}/s);
      const { hostKey } = await tunnel.program.event("session", ({ state }) => state === "ready");
      const told = await run("ssh-keygen", ["-lf", join(sshd.directory, `host_${type}.pub`)]);
      const [, fingerprint] = told.stdout.split(" ");
      assert.equal(hostKey, fingerprint);
    },
  );
}

test(
  "A certificate signed by an RSA authority is checked, and one that is signed with SHA-1 is not believed.",
  limits,
  async () => {
    const authority = makeKey(join(directory, `rsa${++made}`), "rsa");
    for (const [signature, ready] of [
      ["rsa-sha2-512", true],
      ["rsa-sha2-256", true],
      ["ssh-rsa", false],
    ] as const) {
      await using sshd = await certifiedSshd({ authority, signature });
      const file = await trusting("*", authority);
      assert.equal((await attempt(sshd, ["-i", sshd.keyFile, ...strictly(file)])).ready, ready, signature);
    }
  },
);

test("A certificate that does not do is told, and the plain key in it decides, as with ssh.", limits, async () => {
  const cases: readonly (readonly [Partial<CertificateOptions>, RegExp])[] = [
    [
      { principals: ["brahma.example"] },
      /its certificate cannot be used: it is for brahma\.example, not for 127\.0\.0\.1/,
    ],
    [{ validity: "20200101:20200102" }, /its certificate cannot be used: it expired on 2020-01-02T/],
    [{ validity: "20990101:20990102" }, /not valid before 2099-01-01T/],
    [
      { authority: makeKey(join(directory, `stranger${++made}`)) },
      /its certificate is of another authority than \S+:1 trusts/,
    ],
  ];
  for (const [options, reason] of cases) {
    await using sshd = await certifiedSshd(options);
    const file = await trusting("*");
    const login = ["-i", sshd.keyFile];
    const refused = await attempt(sshd, [...login, ...strictly(file)]);
    assert.equal(refused.code, 255);
    assert.match(refused.stderr, /\[ssh\.host-key-unknown\]/);
    assert.match(refused.stderr, reason);
    assert.notEqual((await run("ssh", [...login, ...strictly(file), ...bare(sshd), sshd.host, "true"])).code, 0);
    appendFileSync(file, readFileSync(sshd.knownHostsFile));
    assert.equal((await attempt(sshd, [...login, ...strictly(file)])).ready, true);
    assert.equal((await run("ssh", [...login, ...strictly(file), ...bare(sshd), sshd.host, "true"])).code, 0);
  }
});

test("A certificate is for the name that HostKeyAlias gives the host.", limits, async () => {
  await using sshd = await certifiedSshd();
  const file = await trusting("*.example");
  const known = (alias: string) => ["-i", sshd.keyFile, ...strictly(file), "-o", `HostKeyAlias=${alias}`];
  assert.equal((await attempt(sshd, known("vishnu.example"))).ready, true);
  assert.match(
    (await attempt(sshd, known("brahma.example"))).stderr,
    /not for brahma\.example.*\[ssh\.host-key-unknown\]/s,
  );
});

test("A revoked authority or key is refused, whatever the certificate says.", limits, async () => {
  await using sshd = await certifiedSshd();
  const { file: authority } = await theAuthority();
  for (const [key, says] of [
    [readFileSync(`${authority}.pub`, "utf8"), /authority SHA256:\S+ that signed the host certificate/],
    [`${sshd.hostKeys[0]}\n`, /ED25519 key SHA256/],
  ] as const) {
    const file = await trusting("*");
    appendFileSync(file, `@revoked * ${key}`);
    const { stderr } = await attempt(sshd, ["-i", sshd.keyFile, ...strictly(file)]);
    assert.match(stderr, /\[ssh\.host-key-revoked\]/);
    assert.match(stderr, says);
  }
});

test(
  "A server that has nothing but certificates is talked to, also where nobody trusts its authority.",
  limits,
  async () => {
    await using sshd = await certifiedSshd();
    writeFileSync(
      sshd.configFile,
      `HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com\n${readFileSync(sshd.configFile, "utf8")}`,
    );
    await sshd.stop();
    await sshd.start();
    const known = ["-o", `UserKnownHostsFile=${sshd.knownHostsFile}`, "-o", "StrictHostKeyChecking=yes"];
    const { ready, stderr } = await attempt(sshd, ["-i", sshd.keyFile, ...known]);
    assert.equal(ready, true, stderr);
  },
);

function strictly(file: string): string[] {
  return ["-o", "StrictHostKeyChecking=yes", "-o", `UserKnownHostsFile=${file}`];
}

/** What sshd says of keys that it was offered. */
function offered(log: string): string[] {
  return [...log.matchAll(/Failed publickey for \S+ from \S+ port \d+ ssh2: (\S+ SHA256:\S+)/g)].map(
    ([, key = ""]) => key,
  );
}

/** All that ssh needs to reach it, but no key. */
function bare(sshd: Sshd): string[] {
  const known = ["-o", `UserKnownHostsFile=${sshd.knownHostsFile}`, "-o", "GlobalKnownHostsFile=/dev/null"];
  return ["-F", "none", "-p", String(sshd.port), "-l", sshd.user, "-o", "BatchMode=yes", ...known];
}

async function attempt(sshd: Sshd, words: readonly string[], env: Record<string, string> = {}) {
  // The first value of a keyword wins: the test's words come before the kit's.
  const args = ["run", "--json", "-L", `${await freePort()}:localhost:1`, ...words, ...bare(sshd), sshd.host];
  await using program = porthop(args, { env });
  await Promise.race([program.event("ready").catch(() => {}), program.exit]);
  program.signal("SIGTERM");
  const { code, stderr } = await program.exit;
  return { code, stderr, ready: program.events.some(({ event }) => event === "ready") };
}
