/** Names that a Host of ssh_config may have and no machine has: ssh reaches them by a ProxyCommand, and so does porthop. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = { skip: need("ssh", "sshd", "ssh-keygen", "nc"), timeout: 60_000 };
const folder = tempDirectory("odd-hosts");
after(() => removeTemp(folder));
const theSshd = shared(() => startSshd());

const names = [
  "work/box",
  "aws:prod:1",
  "aws:22",
  "arn:aws:ecs:eu-central-1:123456789012:task/web_1/0f1e",
  "i-0123456789abcdef0",
  "my_host",
  "MÜNCHEN.example.",
  "Upper.Case",
  "a%b=c+d~e",
];

/** Every host is this sshd, by a command that tells what ssh would fill in. */
async function configuration(more = ""): Promise<string> {
  const { port, user, host, keyFile, knownHostsFile } = await theSshd();
  const known = readFileSync(knownHostsFile, "utf8").replace(/^\S+/gm, "[odd]:2222");
  writeFileSync(join(folder, "known_hosts"), known);
  const file = join(folder, "config");
  const lines = [
    ...[more, ...names.map((name) => `Host ${name}\n HostKeyAlias [odd]:2222`), "Host *"],
    ` ProxyCommand sh -c 'echo "%h %k %n" >&2; exec nc ${host} ${port}'`,
    ...[` User ${user}`, ` IdentityFile ${keyFile}`, ` UserKnownHostsFile ${join(folder, "known_hosts")}`],
    ...[" GlobalKnownHostsFile /dev/null", " IdentitiesOnly yes", " BatchMode yes", ""],
  ];
  writeFileSync(file, lines.join("\n"), { mode: 0o600 });
  return file;
}

async function porthopRun(words: readonly string[]) {
  await using program = porthop(["run", ...words]);
  const { code, stdout, stderr } = await program.exit;
  return { code, stdout, filled: stderr.split("\n").find((line) => line.includes("[odd]")), stderr };
}

for (const name of names) {
  test(`A Host named ${name} is reached by its ProxyCommand as ssh reaches it.`, limits, async () => {
    const words = ["-F", await configuration(), name, "echo in"];
    const { stderr, ...ours } = await porthopRun(words);
    assert.deepEqual([ours.code, ours.stdout], [0, "in\n"], stderr);
    for (const { ssh } of opensshes()) {
      const theirs = await run(ssh, words);
      assert.deepEqual([theirs.code, theirs.stdout], [0, "in\n"], theirs.stderr);
      // What ssh makes small are letters of ASCII alone.
      if (!/[^\p{ASCII}]/u.test(name)) assert.equal(theirs.stderr.trim().split("\n")[0], ours.filled);
    }
  });
}

test(
  "HostName fe80::1%%eth0 is an address with a zone, and what command prints of it is read again.",
  limits,
  async () => {
    const file = await configuration("Host zone\n HostName fe80::1%%eth0\n HostKeyAlias [odd]:2222");
    const { code, stdout, filled, stderr } = await porthopRun(["-F", file, "zone", "echo in"]);
    assert.deepEqual([code, stdout, filled], [0, "in\n", "fe80::1%eth0 [odd]:2222 zone"], stderr);
    const printed = await porthop([
      "command",
      "--format",
      "config",
      "--name",
      "made",
      "-F",
      file,
      "-N",
      "-L1:a:1",
      "zone",
    ]).exit;
    assert.match(printed.stdout, /^ {4}HostName fe80::1%%eth0$/m);
    const made = join(folder, "made");
    writeFileSync(made, printed.stdout, { mode: 0o600 });
    for (const { ssh } of opensshes()) {
      assert.match((await run(ssh, ["-G", "-F", made, "made"])).stdout, /^hostname fe80::1%eth0$/m);
    }
    const explained = await porthop(["explain", "-F", made, "-L1:a:1", "made"]).exit;
    assert.equal(explained.code, 0, explained.stderr);
    assert.match(explained.stdout, /fe80::1%eth0/);
  },
);

test("A jump host named work/box is passed, with a HostKeyAlias as known_hosts has it behind it.", limits, async () => {
  const { host, port } = await theSshd();
  const file = await configuration(
    `Host behind\n HostName ${host}\n Port ${port}\n HostKeyAlias [odd]:2222\n ProxyJump [work/box]`,
  );
  for (const words of [
    ["-F", file, "behind", "echo in"],
    ["-F", file, "-J", "work/box", "-p", String(port), "behind", "echo in"],
  ]) {
    const { code, stdout, stderr } = await porthopRun(words);
    assert.deepEqual([code, stdout], [0, "in\n"], stderr);
  }
  for (const { ssh } of opensshes()) {
    assert.equal((await run(ssh, ["-F", file, "behind", "echo in"])).stdout, "in\n");
  }
});

test(
  "What a shell would read is refused in a host that is typed, as by ssh, and not in a HostName.",
  limits,
  async () => {
    const file = await configuration(
      "Host named\n HostName a;b\n HostKeyAlias [odd]:2222\n ProxyCommand nc 127.0.0.1 1",
    );
    for (const typed of ["a;b", "$(id)", "-oProxyCommand=id"]) {
      const { code, stderr } = await porthopRun(["-F", file, "--", typed, "echo in"]);
      assert.equal(code, 2, stderr);
      for (const { ssh } of opensshes()) assert.equal((await run(ssh, ["-G", "-F", file, "--", typed])).code, 255);
    }
    const { code, stderr } = await porthopRun(["-F", file, "named", "echo in"]);
    assert.equal(code, 255, stderr);
    assert.match(stderr, /\[ssh\.unreachable\]/);
  },
);
