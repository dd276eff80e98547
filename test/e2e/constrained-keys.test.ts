/**
 * Keys that an agent uses on certain ways only (ssh-add -h): porthop logs in with them where ssh does, and nowhere else.
 * Each way is tried with both.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certificates.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { type OpenSsh, opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { type SshAgent, startSshAgent } from "../kit/ssh-agent.ts";
import { makeKey, type Sshd, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

const executable = builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "ssh-agent", "ssh-add"), timeout: 120_000 };
const directory = tempDirectory("constrained");
after(() => removeTemp(directory));

interface Place extends AsyncDisposable {
  readonly alpha: Sshd;
  readonly beta: Sshd;
  readonly keyFile: string;
  /** With the host keys under the names that the ways of ssh-add have. */
  readonly namesFile: string;
  readonly knownHostsFile: string;
}

type Program = (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
) => Promise<{ code: number; said: string }>;

const runPorthop: Program = async (args, env) => {
  await using program = porthop(["run", ...args], { env });
  const { code, stdout, stderr } = await program.exit;
  return { code: code ?? -1, said: `${stdout}${stderr}` };
};

const runSsh =
  ({ ssh }: OpenSsh): Program =>
  async (args, env) => {
    const { code, stdout, stderr } = await run(ssh, args, { env: { ...process.env, ...env } });
    return { code, said: `${stdout}${stderr}` };
  };

/** Words that log in to a server with the agent's keys alone. */
function flags({ knownHostsFile }: Place, { port, user }: Sshd): string[] {
  const settings = [
    `UserKnownHostsFile=${knownHostsFile}`,
    "GlobalKnownHostsFile=/dev/null",
    "StrictHostKeyChecking=yes",
    "IdentityFile=none",
    "BatchMode=yes",
  ];
  return ["-F", "none", "-p", String(port), "-l", user, ...settings.flatMap((setting) => ["-o", setting])];
}

const direct = (to: "alpha" | "beta") => (place: Place) => [...flags(place, place[to]), place[to].host, "echo arrived"];

/** The jump host needs its own settings, which only a file gives it. */
function jumped(place: Place): string[] {
  const { alpha, beta } = place;
  const file = join(directory, "config");
  const block = (name: string, { host, port, user }: Sshd) =>
    `Host ${name}\n  HostName ${host}\n  Port ${port}\n  User ${user}\n`;
  const common = `UserKnownHostsFile ${place.knownHostsFile}\nIdentityFile none\nBatchMode yes\n`;
  writeFileSync(file, `${common}${block("alpha", alpha)}${block("beta", beta)}  ProxyJump alpha\n`);
  return ["-F", file, "beta", "echo arrived"];
}

const forwarded = (inner: string) => (place: Place) => [
  "-A",
  ...flags(place, place.alpha),
  place.alpha.host,
  `${inner} ${flags(place, place.beta).join(" ")} ${place.beta.host} echo arrived`,
];

const user = "USER";

for (const openssh of opensshes()) {
  const thePlace = shared(() => startPlace(openssh));
  const programs = [
    ["porthop", runPorthop],
    ["ssh", runSsh(openssh)],
  ] as const;
  const table: readonly [
    way: string,
    allowed: readonly string[],
    words: (place: Place) => string[],
    arrives: boolean,
  ][] = [
    ["to the host itself", ["alpha"], direct("alpha"), true],
    ["to the host itself as that user", [`${user}@alpha`], direct("alpha"), true],
    ["to the host itself as another user", ["somebody@alpha"], direct("alpha"), false],
    ["to another host", ["alpha"], direct("beta"), false],
    ["through a jump host", ["alpha", "beta"], jumped, true],
    ["through a jump host that may use the key for the next host itself", ["alpha", "alpha>beta"], jumped, false],
    ["from a host with the forwarded agent", ["alpha", "alpha>beta"], forwarded(openssh.ssh), true],
    ["from a host that may not use the key", ["alpha", "beta"], forwarded(openssh.ssh), false],
    ["from a host with the forwarded agent, by porthop", ["alpha", "alpha>beta"], forwarded(`${executable} run`), true],
    [
      "from a host with the forwarded agent, by porthop with PubkeyAuthentication=unbound",
      ["alpha", "alpha>beta"],
      forwarded(`${executable} run -o PubkeyAuthentication=unbound`),
      false,
    ],
    ["by porthop from a host that may not use the key", ["alpha", "beta"], forwarded(`${executable} run`), false],
  ];
  for (const [way, allowed, words, arrives] of table) {
    const title = `With OpenSSH ${openssh.version}, a key for ${allowed.join(" and ")} ${arrives ? "logs in" : "does not log in"} ${way}.`;
    test(title, limits, async () => {
      const place = await thePlace();
      await using agent = await agentFor(openssh, place, allowed);
      for (const [name, program] of programs) {
        const { code, said } = await program(words(place), { SSH_AUTH_SOCK: agent.socket });
        assert.deepEqual([name, code === 0, /^arrived$/m.test(said)], [name, arrives, arrives], said);
      }
    });
  }
}

test("After new keys were exchanged, the forwarded agent is still bound to the session.", limits, async () => {
  const [openssh] = opensshes();
  assert.ok(openssh !== undefined);
  await using place = await startPlace(openssh, ["RekeyLimit 128K"]);
  await using agent = await agentFor(openssh, place, ["alpha", "alpha>beta"]);
  const traffic = "head -c 1000000 /dev/zero | tr '\\0' x; echo;";
  const words = forwarded(`${traffic} ${openssh.ssh}`)(place);
  await using program = porthop(["run", "-vvv", ...words], { env: { SSH_AUTH_SOCK: agent.socket } });
  const { code, stdout, stderr } = await program.exit;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^arrived$/m);
  assert.ok(stderr.split("Inbound: NEWKEYS").length > 2, stderr);
});

test("Where the host has a certificate, a key for hosts of its authority logs in.", limits, async () => {
  const [openssh] = opensshes();
  assert.ok(openssh !== undefined);
  const authority = makeKey(join(directory, "authority"));
  const hostKey = makeKey(join(directory, "host"));
  const certificate = await certify(hostKey, { authority, host: true, principals: ["alpha"] });
  await using place = await startPlace(openssh, [`HostKey ${hostKey}`, `HostCertificate ${certificate}`]);
  const trusted = readFileSync(`${authority}.pub`, "utf8");
  writeFileSync(place.namesFile, `@cert-authority alpha ${trusted}@cert-authority beta ${trusted}`);
  writeFileSync(place.knownHostsFile, `@cert-authority alpha ${trusted}`);
  const words = ["-o", "HostKeyAlias=alpha", ...direct("alpha")(place)];
  for (const [allowed, arrives] of [
    ["alpha", true],
    ["beta", false],
  ] as const) {
    await using agent = await agentFor(openssh, place, [allowed]);
    for (const program of [runPorthop, runSsh(openssh)]) {
      const { code, said } = await program(words, { SSH_AUTH_SOCK: agent.socket });
      assert.equal(code === 0, arrives, said);
    }
  }
});

async function agentFor(openssh: OpenSsh, place: Place, allowed: readonly string[]): Promise<SshAgent> {
  const agent = await startSshAgent(openssh);
  const ways = allowed.map((way) => way.replace(user, place.alpha.user));
  await agent.addFor(place.keyFile, ways, place.namesFile);
  return agent;
}

async function startPlace(openssh: OpenSsh, config: readonly string[] = []): Promise<Place> {
  const folder = tempDirectory("constrained-place");
  const keyFile = makeKey(join(folder, "key"));
  const authorizedKeys = [readFileSync(`${keyFile}.pub`, "utf8").trim()];
  const [alpha, beta] = [
    await startSshd({ openssh, authorizedKeys, config }),
    await startSshd({ openssh, authorizedKeys }),
  ];
  const knownHostsFile = join(folder, "known");
  const namesFile = join(folder, "names");
  const named = [["alpha", alpha] as const, ["beta", beta] as const];
  writeFileSync(knownHostsFile, named.map(([, sshd]) => readFileSync(sshd.knownHostsFile, "utf8")).join(""));
  writeFileSync(namesFile, named.flatMap(([name, { hostKeys }]) => hostKeys.map((key) => `${name} ${key}\n`)).join(""));
  return {
    ...{ alpha, beta, keyFile, namesFile, knownHostsFile },
    async [Symbol.asyncDispose]() {
      await alpha[Symbol.asyncDispose]();
      await beta[Symbol.asyncDispose]();
      removeTemp(folder);
    },
  };
}
