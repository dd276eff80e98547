/** Settings that ssh obeys and that were read otherwise, or passed over in silence: ssh beside porthop, same words. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certificates.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { startSshAgent } from "../kit/ssh-agent.ts";
import { makeKey, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen", "ssh-agent", "ssh-add"), timeout: 60_000 };
const theSshd = shared(() => startSshd({ config: ["AcceptEnv *"] }));
const folder = tempDirectory("openssh-settings");
after(() => removeTemp(folder));

type Environment = Readonly<Record<string, string>>;

/** `flags` come before what the kit needs to be let in. */
async function porthopRun(flags: readonly string[], command = "echo in", env: Environment = {}) {
  const sshd = await theSshd();
  await using program = porthop(["run", ...flags, ...sshd.sshArgs, sshd.host, command], { env });
  const { code, stdout, stderr } = await program.exit;
  return { code, stdout, stderr };
}

/** What each ssh that is there says to the same words: they must agree. */
async function sshRun(flags: readonly string[], command = "echo in", env: Environment = {}) {
  const sshd = await theSshd();
  const words = [...flags, ...sshd.sshArgs, sshd.host, command];
  const answers = await Promise.all(opensshes().map(({ ssh }) => run(ssh, words, { env: { ...process.env, ...env } })));
  const [first, ...others] = answers.map(({ code, stdout }) => ({ code, stdout }));
  assert.ok(first !== undefined);
  for (const other of others) assert.deepEqual(other, first);
  return first;
}

for (const flags of [
  ["-c", "3des-cbc", "-c", "aes128-ctr"],
  ["-o", "Ciphers=3des-cbc", "-c", "aes128-ctr"],
  ["-o", "SetEnv=A=first B='of two' A=second"],
  ["-o", "SendEnv=C D # names"],
  ["-4", "-6"],
  ["-6", "-4"],
  ["-o", "RequestTTY=false"],
  ["-o", "PreferredAuthentications=password"],
  ["-o", "PreferredAuthentications=password,publickey"],
]) {
  test(`With ${flags.join(" ")} porthop gets where ssh gets.`, limits, async () => {
    const [command, env] = ["echo $A/$B/$C/$D", { C: "c", D: "d" }];
    const theirs = await sshRun(flags, command, env);
    const { code, stdout, stderr } = await porthopRun(flags, command, env);
    assert.deepEqual({ code, stdout }, theirs, stderr);
  });
}

test("A login that PreferredAuthentications leaves no way for names it.", limits, async () => {
  const { stderr } = await porthopRun(["-o", "PreferredAuthentications=password"]);
  assert.match(
    stderr,
    /\[ssh\.auth-failed\]\n {2}hint: the server takes publickey, which PreferredAuthentications leaves/,
  );
});

test(
  "A host key in RevokedHostKeys is refused, as by ssh, and so is everyone while the list is missing.",
  limits,
  async () => {
    const sshd = await theSshd();
    const [revoked, others] = [join(folder, "revoked"), join(folder, "others")];
    writeFileSync(revoked, `# retired\n${sshd.hostKeys[0]}\n`);
    writeFileSync(others, readFileSync(`${makeKey(join(folder, "other"))}.pub`));
    for (const [file, code, message] of [
      [revoked, 255, /is in RevokedHostKeys: \S+revoked:2 \[ssh\.host-key-revoked\]/],
      [others, 0, /^$/],
      [
        join(folder, "missing"),
        1,
        /cannot read RevokedHostKeys \S+missing: no such file or directory \[file\.cannot-read\]/,
      ],
    ] as const) {
      const flags = ["-o", `RevokedHostKeys=${file}`];
      const ours = await porthopRun(flags);
      assert.match(ours.stderr, message);
      assert.equal(ours.code, code);
      assert.equal((await sshRun(flags)).code === 0, code === 0, file);
    }
  },
);

test("RevokedHostKeys may name several lists, as with OpenSSH 10.3.", limits, async () => {
  const sshd = await theSshd();
  const [revoked, others] = [join(folder, "revoked too"), join(folder, "others too")];
  writeFileSync(revoked, `${sshd.hostKeys[0]}\n`);
  writeFileSync(others, readFileSync(`${makeKey(join(folder, "another"))}.pub`));
  assert.equal((await porthopRun(["-o", `RevokedHostKeys="${others}" /dev/null`])).code, 0);
  const { code, stderr } = await porthopRun(["-o", `RevokedHostKeys="${others}" "${revoked}"`]);
  assert.equal(code, 255);
  assert.match(stderr, /is in RevokedHostKeys: \S+revoked too:1 \[ssh\.host-key-revoked\]/);
});

test("With IdentityAgent none -A gives the server no agent, and with a path that one.", limits, async () => {
  await using agent = await startSshAgent();
  await agent.add(makeKey(join(folder, "in-agent")));
  const list = "ssh-add -l 2>/dev/null | wc -l";
  const none = ["-A", "-o", "IdentityAgent=none"];
  const environment = { SSH_AUTH_SOCK: agent.socket };
  const ours = await porthopRun(none, list, environment);
  assert.equal(ours.stdout, (await sshRun(none, list, environment)).stdout);
  assert.deepEqual(
    [ours.stdout.trim(), ours.stderr],
    ["0", "porthop: warning: no agent is forwarded: IdentityAgent is none\n"],
  );
  const named = ["-A", "-o", `IdentityAgent=${agent.socket}`];
  const nowhere = { SSH_AUTH_SOCK: join(folder, "nowhere") };
  const theirs = await sshRun(named, list, nowhere);
  assert.equal((await porthopRun(named, list, nowhere)).stdout, theirs.stdout);
  assert.equal(theirs.stdout.trim(), "1");
});

test("An expired certificate is told as the reason where the server allows two tries only.", limits, async () => {
  const authority = makeKey(join(folder, "authority"));
  await using sshd = await startSshd({ config: [`TrustedUserCAKeys ${authority}.pub`, "MaxAuthTries 2"] });
  const key = makeKey(join(folder, "certified"));
  await certify(key, { authority, principals: [sshd.user], validity: "20200101:20210101" });
  const known = ["-o", `UserKnownHostsFile=${sshd.knownHostsFile}`, "-o", "BatchMode=yes"];
  const words = ["-F", "none", "-i", key, "-p", String(sshd.port), "-l", sshd.user, ...known, sshd.host, "true"];
  await using program = porthop(["run", ...words]);
  assert.match((await program.exit).stderr, /\n {2}hint: the certificate \S+certified-cert\.pub\b.* expired on 20/);
});

test(
  "What a file asks for and porthop does not have is said: at once, or with -v where it is not felt.",
  limits,
  async () => {
    const file = join(folder, "config");
    writeFileSync(file, "IPQoS cs1\nHostbasedAuthentication yes\nCheckHostIP yes\nControlMaster auto\nTunnel no\n", {
      mode: 0o600,
    });
    const sshd = await theSshd();
    const told = async (...flags: string[]) => {
      await using program = porthop(["run", ...flags, ...sshd.sshArgs, "-F", file, sshd.host, "true"]);
      const { code, stderr } = await program.exit;
      assert.equal(code, 0, stderr);
      return [...stderr.matchAll(/ line (\d): porthop does not have (\w+): /g)].map(
        ([, line, name]) => `${line} ${name}`,
      );
    };
    assert.deepEqual(await told(), ["1 IPQoS", "2 HostbasedAuthentication", "3 CheckHostIP"]);
    assert.deepEqual((await told("-v")).sort(), [
      "1 IPQoS",
      "2 HostbasedAuthentication",
      "3 CheckHostIP",
      "4 ControlMaster",
    ]);
  },
);

for (const [size, isEnough] of [
  [3072, true],
  [4096, false],
] as const) {
  test(
    `RequiredRSASize ${size} ${isEnough ? "takes" : "refuses"} keys of 3072 bits, of a server and of a user, as ssh does.`,
    limits,
    async () => {
      const userKey = makeKey(join(folder, `rsa-${size}`), "rsa");
      const authorizedKeys = [readFileSync(`${userKey}.pub`, "utf8").trim()];
      await using shortKey = await startSshd({ hostKeys: ["rsa"] });
      await using plain = await startSshd({ authorizedKeys });
      const files = ["-F", "none", "-o", `UserKnownHostsFile=${plain.knownHostsFile}`, "-i", userKey];
      const asUser = [...files, "-o", "IdentitiesOnly=yes", "-p", String(plain.port)];
      for (const [args, code, says] of [
        [
          shortKey.sshArgs,
          "ssh.host-key-unknown",
          /the RSA host key of \S+ has 3072 bits, and RequiredRSASize asks for/,
        ],
        [asUser, "ssh.auth-failed", /the key \S+ has 3072 bits, and RequiredRSASize asks for 4096/],
      ] as const) {
        const words = ["-o", `RequiredRSASize=${size}`, "-o", "BatchMode=yes", ...args, plain.host, "true"];
        await using program = porthop(["run", ...words]);
        const ours = await program.exit;
        assert.equal(ours.code, isEnough ? 0 : 255, ours.stderr);
        for (const { ssh } of opensshes()) assert.equal((await run(ssh, words)).code, ours.code, ssh);
        if (isEnough) continue;
        assert.ok(ours.stderr.includes(code), ours.stderr);
        assert.match(ours.stderr, says);
      }
    },
  );
}
