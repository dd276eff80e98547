/** Lines as people have them from other programs and old recipes, a session by itself (-N), and the names of services. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { lostForGood } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const folder = tempDirectory("words-of-ssh");
after(() => removeTemp(folder));

for (const [name, words] of [
  ["gcloud compute ssh --dry-run", "-T -o CheckHostIP=no -o HashKnownHosts=no -o StrictHostKeyChecking=yes"],
  [
    "scp -S",
    "-x -oPermitLocalCommand=no -oClearAllForwardings=yes -oRemoteCommand=none -oRequestTTY=no -oForwardAgent=no",
  ],
  [
    "old recipes",
    "-2 -k -x -a -M -S none -o Protocol=2 -o RSAAuthentication=yes -o UsePrivilegedPort=no -o Cipher=blowfish",
  ],
  [
    "what asks for nothing",
    "-o VerifyHostKeyDNS=no -o CanonicalizeHostname=no -o Tunnel=no -o IPQoS=throughput -o GSSAPIAuthentication=no " +
      "-o GSSAPIDelegateCredentials=no -o HostbasedAuthentication=no -o ControlMaster=no -o ControlPath=none " +
      "-o ControlPersist=no -o PKCS11Provider=none -o SecurityKeyProvider=internal -o KnownHostsCommand=none -o LogLevel=FATAL",
  ],
] as const) {
  test(`A line with the words of ${name} does here what it does by ssh, without a word.`, limits, async () => {
    const sshd = await theSshd();
    const line = [...words.split(" "), ...sshd.sshArgs, sshd.host, "echo in"];
    await using program = porthop(["run", ...line]);
    const { code, stdout, stderr } = await program.exit;
    assert.deepEqual([code, stdout, stderr], [0, "in\n", ""]);
    assert.equal((await run("ssh", line)).stdout, "in\n");
  });
}

test("vagrant ssh-config as the file of -F is read without a word.", limits, async () => {
  const sshd = await theSshd();
  const file = join(folder, "vagrant");
  const block = `Host default
  HostName ${sshd.host}
  User ${sshd.user}
  Port ${sshd.port}
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile ${sshd.keyFile}
  IdentitiesOnly yes
  LogLevel FATAL
  PubkeyAcceptedKeyTypes +ssh-rsa
  HostKeyAlgorithms +ssh-rsa
`;
  writeFileSync(file, block, { mode: 0o600 });
  await using program = porthop(["run", "-F", file, "default", "echo in"]);
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stdout, stderr], [0, "in\n", ""]);
});

test(
  "With -N and nothing to forward the session is there and stays, and its loss for good is 255.",
  limits,
  async () => {
    await using sshd = await startSshd();
    await using program = porthop(["run", "--json", "-N", ...lostForGood, ...sshd.sshArgs, sshd.host]);
    assert.deepEqual((await program.event("ready"))["forwards"], []);
    assert.equal((await program.event("session", ({ state }) => state === "ready"))["user"], sshd.user);
    await sshd.stop();
    assert.equal((await program.exit).code, 255);
  },
);

test("With -N a command is not run, as by ssh, and that is said.", limits, async () => {
  const sshd = await theSshd();
  const mark = join(folder, "mark");
  await using program = porthop(["run", "--json", "-N", ...sshd.sshArgs, sshd.host, `touch ${mark}`]);
  await program.event("ready");
  program.signal("SIGTERM");
  const { code, stderr } = await program.exit;
  assert.match(stderr, /^porthop: warning: the command is not run beside -N or -W: touch /);
  assert.equal(code, 0);
  await using other = porthop(["run", ...sshd.sshArgs, sshd.host, `test ! -e ${mark}`]);
  assert.equal((await other.exit).code, 0);
});

test("-W goes with -L where ClearAllForwardings is no.", limits, async () => {
  const sshd = await theSshd();
  const port = await freePort();
  const target = `127.0.0.1:${sshd.port}`;
  const both = ["-W", target, "-L", `${port}:${target}`, "-o", "ClearAllForwardings=no"];
  await using program = porthop(["run", "--log", "info", ...both, ...sshd.sshArgs, sshd.host]);
  await program.stderr(new RegExp(`L1.* listening on .*:${port}\\b`));
  await program.stdout(/^SSH-2\.0-OpenSSH/);
});

test("Names of services are the ports that they are to ssh, of both versions.", limits, async () => {
  const words =
    "-N -o ExitOnForwardFailure=yes -L 8085:localhost:http -L 127.0.0.1:socks:db:postgresql -R http-alt:a:https -D mysql -J gate:ssh -p domain";
  await using program = porthop(["command", ...words.split(" "), "host"]);
  const { stdout, stderr } = await program.exit;
  assert.equal(stderr, "");
  assert.equal(
    stdout,
    "ssh -N -p 53 -J gate:22 -o ExitOnForwardFailure=yes -L 8085:localhost:80 -L 127.0.0.1:1080:db:5432 -R 8080:a:443 -D 3306 host\n",
  );
  for (const { ssh } of opensshes()) {
    const read = (flags: string) => run(ssh, ["-G", "-F", "none", ...flags.trim().split(" ")]);
    assert.equal((await read(`${words} host`)).stdout, (await read(stdout.slice("ssh ".length))).stdout);
  }
});
