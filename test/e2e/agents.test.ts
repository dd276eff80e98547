/** Agents of all kinds: with security keys, with many keys, with none that is wanted, and one that never answers. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certificates.ts";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { need } from "../kit/packages.ts";
import { type PorthopOptions, porthop } from "../kit/porthop.ts";
import { pty } from "../kit/pty.ts";
import { freePort } from "../kit/servers.ts";
import { makeSecurityKey, type SecurityKeyType, startSoftAgent } from "../kit/soft-agent.ts";
import { startSshAgent } from "../kit/ssh-agent.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { makeKey, type Sshd, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = {
  skip: need("sshd", "ssh-keygen", "ssh-agent", "ssh-add", "script", "stty"),
  timeout: 60_000,
};
const directory = tempDirectory("agents");
after(() => removeTemp(directory));

const securityKeyTypes: readonly SecurityKeyType[] = [
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

for (const type of securityKeyTypes) {
  test(`A security key of type ${type} in an agent logs in, plain and certified.`, limits, async () => {
    const key = makeSecurityKey(type);
    await using plain = await startSshd({ authorizedKeys: [key.publicKey] });
    await using agent = await startSoftAgent([{ ...key, comment: "touch me" }]);
    const env = { SSH_AUTH_SOCK: agent.socket };
    assert.equal(await logsIn(plain, [], { env }), "ready");
    await plain.logged(/Accepted publickey for \S+ .*-SK SHA256:/);
    const authority = makeKey(join(directory, `authority-${type}`));
    const file = join(directory, type);
    writeFileSync(`${file}.pub`, `${key.publicKey} touch me\n`);
    const certificate = await certify(file, { authority, principals: [plain.user] });
    await using certified = await startSshd({ config: [`TrustedUserCAKeys ${authority}.pub`] });
    // The certificate comes from the file, its key from the agent.
    assert.equal(await logsIn(certified, ["-o", `CertificateFile=${certificate}`], { env }), "ready");
    const blob = Buffer.from(readFileSync(certificate, "utf8").split(" ")[1] ?? "", "base64");
    await using holder = await startSoftAgent([{ ...key, blob, comment: "certified" }]);
    assert.equal(await logsIn(certified, [], { env: { SSH_AUTH_SOCK: holder.socket } }), "ready");
    await certified.logged(/Accepted publickey for \S+ .*-SK-CERT SHA256:/);
  });
}

test("A security key's signature that sshd does not believe is a refusal like any other.", limits, async () => {
  const key = makeSecurityKey("sk-ssh-ed25519@openssh.com");
  const other = makeSecurityKey("sk-ssh-ed25519@openssh.com");
  await using sshd = await startSshd({ authorizedKeys: [key.publicKey] });
  await using agent = await startSoftAgent([{ blob: key.blob, comment: "forged", sign: other.sign }]);
  const told = await logsIn(sshd, [], { env: { SSH_AUTH_SOCK: agent.socket } });
  assert.match(told, /^255 .*1 agent key.*\[ssh\.auth-failed\]/s);
});

test(
  "A security key's file without an agent is told with what makes it work, and with one it is used.",
  limits,
  async () => {
    const key = makeSecurityKey("sk-ssh-ed25519@openssh.com");
    await using sshd = await startSshd({ authorizedKeys: [key.publicKey] });
    const file = join(directory, "id_sk");
    writeFileSync(`${file}.pub`, `${key.publicKey} sk\n`);
    writeFileSync(file, privateFile(key.blob), { mode: 0o600 });
    const told = await logsIn(sshd, ["-i", file]);
    assert.match(
      told,
      /^255 .*hint: \S+id_sk is of a security key, which porthop uses through ssh-agent only: ssh-add \S+id_sk/s,
    );
    await using agent = await startSoftAgent([{ ...key, comment: "sk" }]);
    assert.equal(
      await logsIn(sshd, ["-i", file, "-o", "IdentitiesOnly=yes"], { env: { SSH_AUTH_SOCK: agent.socket } }),
      "ready",
    );
  },
);

test("IdentityAgent names the agent in all of ssh's ways.", limits, async () => {
  const { sshd, agent } = await agentWith(1);
  await using _sshd = sshd;
  await using _agent = agent;
  const home = tempDirectory("home");
  mkdirSync(join(home, "run"));
  const env = { MY_AGENT: agent.socket, SSH_AUTH_SOCK: join(directory, "nobody") };
  for (const [value, more] of [
    [agent.socket, env],
    ["$MY_AGENT", env],
    ["SSH_AUTH_SOCK", { SSH_AUTH_SOCK: agent.socket }],
  ] as const) {
    assert.equal(await logsIn(sshd, ["-o", `IdentityAgent=${value}`], { env: more }), "ready", value);
  }
  const off = await logsIn(sshd, ["-o", "IdentityAgent=none"], { env: { SSH_AUTH_SOCK: agent.socket } });
  assert.match(off, /^255 .*\[ssh\.auth-failed\]/s);
  removeTemp(home);
});

test(
  "With many keys in the agent, the one that -i names is offered first, and IdentitiesOnly leaves the others out.",
  limits,
  async () => {
    const { sshd, agent, last } = await agentWith(8, ["MaxAuthTries 3"]);
    await using _sshd = sshd;
    await using _agent = agent;
    const env = { SSH_AUTH_SOCK: agent.socket };
    assert.match(await logsIn(sshd, [], { env }), /^255 .*MaxAuthTries.*-i FILE -o IdentitiesOnly=yes/s);
    for (const file of [last, `${last}.pub`]) {
      assert.equal(await logsIn(sshd, ["-i", file], { env }), "ready");
      assert.equal(await logsIn(sshd, ["-i", file, "-o", "IdentitiesOnly=yes"], { env }), "ready");
    }
  },
);

test("An agent that never answers is given up with one warning, and the key file logs in.", limits, async () => {
  await using sshd = await startSshd();
  await using agent = await startSoftAgent([], true);
  const started = Date.now();
  await using program = porthop(await words(sshd, ["-i", sshd.keyFile]), { env: { SSH_AUTH_SOCK: agent.socket } });
  await program.event("ready", undefined, { timeoutMs: 20_000 });
  assert.ok(Date.now() - started < 12_000);
  await program.stderr(/warning.*\n/);
  assert.deepEqual(
    program.stderrText.split("\n").filter((line) => line.includes("warning")),
    [`porthop: warning: going on without ssh-agent: the agent at ${agent.socket} did not answer within 5 s`],
  );
});

test("AddKeysToAgent changes nothing, and that is said.", limits, async () => {
  await using sshd = await startSshd();
  await using agent = await startSshAgent();
  const flags = ["-o", "AddKeysToAgent=yes", "-i", sshd.keyFile];
  await using program = porthop(await words(sshd, flags), { env: { SSH_AUTH_SOCK: agent.socket } });
  await program.event("ready");
  await program.stderr(/warning: porthop does not have AddKeysToAgent: no key is added to the agent/);
});

test("A key and then questions: both steps of the login are taken, in the server's order.", limits, async () => {
  const file = makeKey(join(directory, "first-step"));
  await using server = await startSshServer({
    publicKey: readFileSync(`${file}.pub`, "utf8"),
    rounds: [{ prompts: [{ prompt: "Token:" }], answers: ["424242"] }],
    require: ["publickey", "keyboard-interactive"],
  });
  await using agent = await startSshAgent();
  await agent.add(file);
  for (const [flags, env] of [
    [["-i", file], {}],
    [[], { SSH_AUTH_SOCK: agent.socket }],
  ] as const) {
    const { command, env: clean, cwd } = launch(await words(server, [...flags, "-l", "alice"]), { env });
    await using screen = pty(command, { env: clean, cwd, columns: 300 });
    await screen.screen(/\(alice@127\.0\.0\.1\) Token:/);
    screen.send("424242\r");
    await screen.screen(/"ready"|^ready/m);
  }
});

test("A real sshd that wants two keys gets two: one from the agent, one from a file.", limits, async () => {
  const second = makeKey(join(directory, "second"));
  await using sshd = await startSshd({
    config: ["AuthenticationMethods publickey,publickey"],
    authorizedKeys: [readFileSync(`${second}.pub`, "utf8").trim()],
  });
  await using agent = await startSshAgent();
  await agent.add(second);
  const env = { SSH_AUTH_SOCK: agent.socket };
  assert.equal(await logsIn(sshd, ["-i", sshd.keyFile], { env }), "ready");
  assert.match(await logsIn(sshd, [], { env }), /accepted publickey as a part of it/);
});

/** An agent with this many keys, of which the sshd knows the last one only. */
async function agentWith(count: number, config: readonly string[] = []) {
  const files = Array.from({ length: count }, (_each, index) =>
    makeKey(join(tempDirectory("agent-keys"), `key${index}`)),
  );
  const last = join(directory, `last${count}`);
  copyFileSync(files.at(-1) ?? "", last);
  copyFileSync(`${files.at(-1)}.pub`, `${last}.pub`);
  const sshd = await startSshd({ config, authorizedKeys: [readFileSync(`${last}.pub`, "utf8").trim()] });
  const agent = await startSshAgent();
  await agent.add(...files);
  return { sshd, agent, last };
}

/** What ssh-keygen writes for a security key, as far as anybody reads it who has no such device. */
function privateFile(blob: Buffer): string {
  const string = (bytes: Uint8Array | string) => {
    const content = Buffer.from(bytes);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(content.length);
    return Buffer.concat([length, content]);
  };
  const one = Buffer.from([0, 0, 0, 1]);
  const head = Buffer.from("openssh-key-v1\0", "latin1");
  const body = Buffer.concat([
    head,
    string("none"),
    string("none"),
    string(""),
    one,
    string(blob),
    string(Buffer.alloc(64)),
  ]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

async function logsIn(server: Server, flags: readonly string[], options: PorthopOptions = {}): Promise<string> {
  await using program = porthop(await words(server, flags), options);
  const ready = await Promise.race([program.event("ready").catch(() => undefined), program.exit.then(() => undefined)]);
  if (ready !== undefined) return "ready";
  const { code, stderr } = await program.exit;
  return `${code} ${stderr}`;
}

type Server = Pick<Sshd, "host" | "port" | "knownHostsFile">;

async function words(server: Server, flags: readonly string[]): Promise<string[]> {
  const known = ["-o", `UserKnownHostsFile=${server.knownHostsFile}`, "-o", "GlobalKnownHostsFile=none"];
  const forward = ["-L", `${await freePort()}:localhost:1`];
  return ["run", "--json", "-F", "none", ...forward, ...flags, ...known, "-p", String(server.port), server.host];
}
