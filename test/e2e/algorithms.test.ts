/**
 * One real sshd for each hardened setting that is met in the wild: porthop connects where OpenSSH's ssh does, which is
 * asked each time, or says in one line what the two have not in common.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { startHybridServer } from "../kit/hybrid-server.ts";
import { shared } from "../kit/lifetime.ts";
import { type OpenSsh, opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { type KeyType, type Sshd, startSshd } from "../kit/sshd.ts";
import { echoes } from "../kit/tcp-end.ts";
import { openTunnel, type Tunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen"), timeout: 60_000 };
const theEcho = shared(() => echoServer());

interface Setting {
  readonly config: readonly string[];
  readonly hostKeys?: readonly KeyType[];
  readonly args?: readonly string[];
  /** What the session says that was agreed on. */
  readonly agreed: { readonly cipher?: string; readonly kex?: string };
}

const ciphers = [
  ...["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com"],
  ...["aes128-ctr", "aes192-ctr", "aes256-ctr"],
];
const exchanges = [
  ...["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384"],
  ...["ecdh-sha2-nistp521", "diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha256"],
  ...["diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512"],
];
const oldExchanges = [
  ...["diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"],
];
const sshRsa = ["-o", "HostKeyAlgorithms=+ssh-rsa"];

const settings: readonly Setting[] = [
  ...ciphers.map((cipher) => ({ config: [`Ciphers ${cipher}`], agreed: { cipher } })),
  ...["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"].map((cipher) => ({
    config: [`Ciphers ${cipher}`],
    args: ["-c", cipher],
    agreed: { cipher },
  })),
  ...exchanges.map((kex) => ({ config: [`KexAlgorithms ${kex}`], agreed: { kex } })),
  ...oldExchanges.map((kex) => ({
    config: [`KexAlgorithms ${kex}`],
    args: ["-o", `KexAlgorithms=+${kex}`],
    agreed: { kex },
  })),
  ...(["ed25519", "ecdsa", "rsa"] as const).map((type) => ({ config: [], hostKeys: [type], agreed: {} })),
  ...["rsa-sha2-256", "rsa-sha2-512"].map((name) => onlyRsa(name, [])),
  onlyRsa("ssh-rsa", sshRsa),
  { config: ["PubkeyAcceptedAlgorithms ssh-ed25519"], agreed: {} },
  // What is no forward is not for such servers: neither a command, nor the session that makes small writes fast.
  { config: ["MaxSessions 0"], agreed: {} },
  { config: ["MaxSessions 1", "MaxAuthTries 1", "LoginGraceTime 10", "Compression no"], args: ["-C"], agreed: {} },
  { config: ["Compression yes"], args: ["-C"], agreed: {} },
  {
    config: ["AuthenticationMethods publickey", "PermitTTY no", "AllowAgentForwarding no", "X11Forwarding no"],
    agreed: {},
  },
  {
    config: [
      "Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com",
      "KexAlgorithms sntrup761x25519-sha512@openssh.com,diffie-hellman-group18-sha512",
      "MACs hmac-sha2-512-etm@openssh.com",
      "RekeyLimit 1M",
    ],
    agreed: { cipher: "aes256-gcm@openssh.com", kex: "sntrup761x25519-sha512@openssh.com" },
  },
];

/** platform facts: Deno's crypto fails with the one and has no such cipher as the other; there chacha20 comes first. */
const lackedByDeno = ["ecdh-sha2-nistp521", "aes192-cbc", "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com"];
const isDeno = process.env["PORTHOP_TEST_RUNTIME"] === "deno";

function onlyRsa(name: string, args: readonly string[]): Setting {
  return { config: [`HostKeyAlgorithms ${name}`], hostKeys: ["rsa"], args, agreed: {} };
}

for (const { config, hostKeys, args = [], agreed } of settings) {
  if (isDeno && lackedByDeno.some((names) => config.some((line) => line.endsWith(` ${names}`)))) continue;
  const keys = hostKeys === undefined ? "" : ` and an ${hostKeys.join()} host key`;
  test(
    `Through an sshd with ${[...config, ...args].join(", ") || "its own settings"}${keys} bytes come back.`,
    limits,
    async () => {
      await using sshd = await startSshd({ config, ...(hostKeys && { hostKeys }) });
      await using tunnel = await openTunnel(sshd, [await theEcho()], { args });
      assert.deepEqual({ ...factsOf(tunnel), ...agreed }, factsOf(tunnel));
      assert.equal(await echoes(tunnel.port), true);
      assert.equal(await reachedBySsh(sshd, args), true);
    },
  );
}

/** Whether ssh's own -W, a forward with stdin for a client, comes to the echo server. */
async function reachedBySsh(sshd: Sshd, args: readonly string[]): Promise<boolean> {
  const { host, port } = await theEcho();
  const { code } = await run("ssh", [...args, "-W", `${host}:${port}`, ...sshd.sshArgs, sshd.host]);
  return code === 0;
}

function factsOf({ program }: Tunnel): { cipher: unknown; kex: unknown } {
  const ready = program.events.find(({ state }) => state === "ready");
  return { cipher: ready?.["cipher"], kex: ready?.["kex"] };
}

test(
  "An sshd that allows nothing that porthop has is told from others in one line, with what it offers.",
  limits,
  async () => {
    const kex = "diffie-hellman-group16-sha512";
    await using sshd = await startSshd({ config: [`KexAlgorithms ${kex}`] });
    const args = ["-o", "KexAlgorithms=curve25519-sha256", "-L", `${await freePort()}:localhost:1`];
    await using program = porthop(["run", ...args, ...sshd.sshArgs, sshd.host]);
    const { code, stderr } = await program.exit;
    const [message, ...more] = stderr.trim().split("\n");
    assert.equal(code, 255, stderr);
    assert.match(message ?? "", /have no algorithm in common: .*\[ssh\.protocol\]$/);
    assert.match(message ?? "", new RegExp(`no matching key exchange algorithm; its offer: ${kex} \\[`));
    assert.equal(more.length, 1, stderr);
  },
);

test("40 MB go through chacha20-poly1305 and back whole, over many rekeys.", limits, async () => {
  const bytes = 40_000_000;
  const config = ["Ciphers chacha20-poly1305@openssh.com", "RekeyLimit 4M"];
  await using sshd = await startSshd({ config });
  await using tunnel = await openTunnel(sshd, [await theEcho()]);
  await using client = await tunnel.connect();
  const sent = await sumOf(randomChunks(bytes, 7));
  await client.send(randomChunks(bytes, 7));
  client.end();
  assert.deepEqual(await client.received, { ...sent, ended: true });
});

test("8 MB go whole over many rekeys that each make a Diffie-Hellman exchange of 8192 bits.", limits, async () => {
  const bytes = 8_000_000;
  const config = ["KexAlgorithms diffie-hellman-group18-sha512", "RekeyLimit 1M"];
  await using sshd = await startSshd({ config });
  await using tunnel = await openTunnel(sshd, [await theEcho()]);
  await using client = await tunnel.connect();
  const sent = await sumOf(randomChunks(bytes, 8));
  await client.send(randomChunks(bytes, 8));
  client.end();
  assert.deepEqual(await client.received, { ...sent, ended: true });
});

const hybrids = ["mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"];

for (const hybrid of hybrids) {
  test(`A server that takes ${hybrid} alone is connected to, and keeps its session over rekeys.`, limits, async () => {
    await using server = await startHybridServer(hybrid);
    await using tunnel = await openTunnel(server, [await theEcho()]);
    assert.equal(factsOf(tunnel).kex, hybrid);
    for (const exchanges of [2, 3, 4]) {
      assert.equal(await echoes(tunnel.port), true);
      await server.exchanged(exchanges);
    }
    await using client = await tunnel.connect();
    await client.send(randomChunks(4_000_000, 9));
    client.end();
    assert.deepEqual(await client.received, { ...(await sumOf(randomChunks(4_000_000, 9))), ended: true });
  });
}

for (const openssh of opensshes()) {
  for (const mac of namesOf(openssh, "mac")) {
    test(
      `An sshd ${openssh.version} that takes ${mac} alone is connected to, and bytes go whole.`,
      limits,
      async () => {
        const config = ["Ciphers aes256-ctr", `MACs ${mac}`];
        await using sshd = await startSshd({ openssh, config });
        await using tunnel = await openTunnel(sshd, [await theEcho()], { args: ["-m", mac] });
        assert.equal(factsOf(tunnel).cipher, "aes256-ctr");
        await using client = await tunnel.connect();
        await client.send(randomChunks(300_000, 3));
        client.end();
        assert.deepEqual(await client.received, { ...(await sumOf(randomChunks(300_000, 3))), ended: true });
      },
    );
  }

  const has = namesOf(openssh, "kex");
  for (const hybrid of hybrids.filter((each) => has.includes(each))) {
    test(
      `An sshd ${openssh.version} that takes ${hybrid} alone is connected to, and -vv calls the exchange by its name.`,
      limits,
      async () => {
        await using sshd = await startSshd({ openssh, config: [`KexAlgorithms ${hybrid}`] });
        await using tunnel = await openTunnel(sshd, [await theEcho()], { args: ["-vv"] });
        assert.equal(factsOf(tunnel).kex, hybrid);
        assert.equal(await echoes(tunnel.port), true);
        const { stderr } = await tunnel.stop();
        assert.match(stderr, new RegExp(`KEX algorithm: ${hybrid}$`, "m"));
      },
    );
  }

  test(`With sshd ${openssh.version} the key exchange is the one that its own ssh takes.`, limits, async () => {
    await using sshd = await startSshd({ openssh });
    await using tunnel = await openTunnel(sshd, [await theEcho()]);
    const { stderr } = await run(openssh.ssh, ["-v", "-N", "-W", "127.0.0.1:1", ...sshd.sshArgs, sshd.host]);
    assert.equal(factsOf(tunnel).kex, /kex: algorithm: (\S+)/.exec(stderr)?.[1], stderr);
  });
}

/** What `ssh -Q` says. */
function namesOf({ ssh }: OpenSsh, kind: string): readonly string[] {
  return spawnSync(ssh, ["-Q", kind], { encoding: "utf8" }).stdout.trim().split("\n");
}

test("A list may name what no ssh knows, with a warning, as long as something is left.", limits, async () => {
  await using sshd = await startSshd();
  const args = ["-c", "rot13,aes256-ctr", "-o", "KexAlgorithms=^rot14"];
  await using tunnel = await openTunnel(sshd, [await theEcho()], { args });
  assert.equal(factsOf(tunnel).cipher, "aes256-ctr");
  const { stderr } = await tunnel.stop();
  assert.match(stderr, /Ciphers: "rot13" is no cipher that ssh knows: passed over$/m);
  assert.match(stderr, /KexAlgorithms: "rot14" is no key exchange that ssh knows: passed over$/m);
});

test("A list may name what porthop lacks, with a warning, as long as something is left.", limits, async () => {
  await using sshd = await startSshd();
  const lacked = "sk-ssh-ed25519@openssh.com";
  const args = ["-c", "aes256-ctr", "-o", `HostKeyAlgorithms=${lacked},ssh-ed25519`];
  await using tunnel = await openTunnel(sshd, [await theEcho()], { args });
  assert.equal(factsOf(tunnel).cipher, "aes256-ctr");
  const { stderr } = await tunnel.stop();
  assert.match(stderr, /HostKeyAlgorithms: porthop does not have sk-ssh-ed25519@openssh\.com$/m);
});

for (const [args, message] of [
  [["-c", "rot13"], /^porthop: Ciphers: "rot13" is no cipher that ssh knows \[usage\]$/],
  [
    ["-m", "hmac-sha3,hmac-sha4"],
    /^porthop: MACs: "hmac-sha3" is no MAC that ssh knows \(did you mean hmac-sha1\?\) \[usage\]$/,
  ],
  [["-o", "KexAlgorithms=-*"], /^porthop: KexAlgorithms "-\*" leaves no key exchange \[config\.invalid\]$/],
  [["-o", "Ciphers=^"], /^porthop: Ciphers: an empty name where a cipher should be \[usage\]$/],
  [["-o", "MACs=-*"], /^porthop: MACs "-\*" leaves no MAC \[config\.invalid\]$/],
] as const) {
  test(`${args.join(" ")} ends before anything is connected, with an error that names it.`, limits, async () => {
    await using program = porthop(["run", "-L", `${await freePort()}:localhost:1`, ...args, "-p", "1", "127.0.0.1"]);
    const { stderr } = await program.exit;
    assert.match(stderr.split("\n")[0] ?? "", message);
  });
}
