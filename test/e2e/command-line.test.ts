/**
 * `porthop command` beside OpenSSH itself: `ssh -G` reads the same settings out of the printed line as out of the words
 * that it was made of, the printed line gives itself, and a shell takes it as it stands.
 */
import assert from "node:assert/strict";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { echoes } from "../kit/tcp-end.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

const executable = builtExecutable();
const missing = need("ssh");
const limits = { timeout: 120_000, skip: missing };
const home = tempDirectory("command-home");
after(() => removeTemp(home));

/** Words with blanks in them stand in a row of their own. */
const commands: readonly (string | readonly string[])[] = [
  "-N -L 8080:localhost:80 host",
  "-NL8080:localhost:80 host",
  "-fNL 8080:localhost:80 host",
  "-fNCgL8080:localhost:80 -p2222 alice@host",
  "-N -L 127.0.0.1:8080:db:5432 host",
  "-N -L localhost:8080:db:5432 host",
  "-N -L *:8080:db:5432 host",
  "-N -L :8080:db:5432 host",
  "-N -L [::1]:8080:[2001:db8::1]:80 host",
  "-N -L [::]:8080:[fe80::1%eth0]:80 host",
  "-N -L 8080:/run/db.sock host",
  "-N -L 127.0.0.1:8080:/run/db.sock host",
  "-N -L /tmp/a.sock:db:80 host",
  "-N -L /tmp/a.sock:/run/db.sock host",
  "-N -L /tmp/a.sock:[::1]:80 host",
  ["-N", "-L", "/tmp/a b.sock:/run/it's.sock", "host"],
  ["-N", "-L", "/tmp/a\\:b.sock:/run/c", "host"],
  "-N -L 1:a:1 -L 2:b:2 -L 3:c:3 host",
  "-N -R 8080:localhost:80 host",
  "-N -R *:8080:localhost:80 host",
  "-N -R :8080:localhost:80 host",
  "-N -R [::1]:8080:[::1]:80 host",
  "-N -R 0:localhost:80 host",
  "-N -R 8080:/tmp/a.sock host",
  "-N -R /tmp/a.sock:localhost:80 host",
  "-N -R /tmp/a.sock:/tmp/b.sock host",
  "-N -R 1080 host",
  "-N -R localhost:1080 host",
  "-N -R [::1]:1080 host",
  "-N -D 1080 host",
  "-ND1080 host",
  "-N -D *:1080 host",
  "-N -D [::1]:1080 host",
  "-W db:5432 host",
  "-W [::1]:5432 host",
  "-W db:5432 -L 1:a:1 host",
  "-N -J bastion -L 1:a:1 host",
  "-N -J alice@bastion:2222,gate -L 1:a:1 host",
  "-N -J [::1]:2222 -L 1:a:1 host",
  "-N -J [::1] -L 1:a:1 host",
  "-N -J ssh://alice@bastion:2222 -L 1:a:1 host",
  "-N -J none -o ProxyCommand=none -L 1:a:1 host",
  "-N -o ProxyJump=bastion,gate -L 1:a:1 host",
  ["-N", "-o", "ProxyCommand=nc -X 5 -x 'proxy:1080' %h %p", "-L", "1:a:1", "host"],
  ["-N", "-o", "ProxyCommand=nc %h %p", "-o", "ProxyJump=bastion", "-L", "1:a:1", "host"],
  "-N -p 2222 -o Port=1 -L 1:a:1 host",
  "-N -o Port=1 -p 2222 -L 1:a:1 host",
  "-N -l alice -L 1:a:1 bob@host",
  "-N -L 1:a:1 bob@host -l alice",
  "-N -L 1:a:1 ssh://bob@host:2222",
  "-N -L 1:a:1 ssh://host",
  ["-N", "-L", "1:a:1", "-l", "DOMAIN\\user", "host"],
  ["-N", "-L", "1:a:1", "my user@host"],
  "-N -L 1:a:1 ::1",
  "-N -L 1:a:1 alice@2001:db8::1",
  "-N -i /etc/hostname -i /etc/hosts -L 1:a:1 host",
  ["-N", "-o", 'IdentityFile="/a b"', "-i", "/etc/hosts", "-o", "IdentityFile=~/.ssh/k", "-L", "1:a:1", "host"],
  "-N -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 -L 1:a:1 host",
  "-N -oexitonforwardfailure=yes -oExitOnForwardFailure=no -L 1:a:1 host",
  ["-N", "-o", "LocalForward=8080 localhost:80", "-o", "RemoteForward=9090 localhost:90", "host"],
  ["-N", "-o", "RemoteForward 1080", "-o", "DynamicForward 1081", "-L", "1:a:1", "host"],
  "-N -4 -C -g -q -x -a -T -L 1:a:1 host",
  "-N -6 -4 -A -a -X -x -L 1:a:1 host",
  "-NTnv -L 1:a:1 host",
  "-N -vvv -L 1:a:1 host",
  "-N -Y -L 1:a:1 host",
  "-Nt -L 1:a:1 host",
  "-tN -L 1:a:1 host",
  "-t -L 1:a:1 host",
  "-tt -L 1:a:1 host top",
  "-L 1:a:1 host sleep 300",
  ["-L", "1:a:1", "host", "echo", "$HOME; `id`", 'it\\\'s "q"'],
  "-L 1:a:1 host -- -x y",
  "-L 1:a:1 host -p 2222 -N",
  "-N -p 2222 -L 1:a:1 -- host",
  "-N -c aes256-ctr,aes128-ctr -m hmac-sha2-256 -L 1:a:1 host",
  "-N -e none -b 127.0.0.1 -L 1:a:1 host",
  "-N -M -S /tmp/ctl -L 1:a:1 host",
  "-s -L 1:a:1 host sftp",
  "-N -K -L 1:a:1 host",
  "-o SessionType=none -o RequestTTY=no -L 1:a:1 host",
  ["-N", "-o", "SetEnv=A=1 B=2", "-o", "SendEnv=LC_*", "-L", "1:a:1", "host"],
  "-N -o ClearAllForwardings=yes -L 1:a:1 host",
  "-N -o HostName=10.0.0.1 -o HostKeyAlias=x -L 1:a:1 host",
  "-N -2 -k -y -M -S none -L 1:a:1 host",
  "-N -B lo -o Tunnel=no -o IPQoS=throughput -o GSSAPIAuthentication=no -L 1:a:1 host",
  "-N -o Protocol=2 -o VerifyHostKeyDNS=no -o PermitLocalCommand=no -o CanonicalizeHostname=no -L 1:a:1 host",
  "-N -w any:any -o RekeyLimit=1G -o ControlMaster=auto -o VisualHostKey=yes -L 1:a:1 host",
  "-N -L ssh:db:http -D socks -R http:[::1]:https -p ssh host",
  "-N -J gate:ssh -o Port=http -L 1:a:1 host",
  "-W db:http host",
  "-W db:1 -L 1:a:1 -o ClearAllForwardings=no host",
  "-N host",
  "-N host uname -a",
  "-W db:1 host uname -a",
  "-fN host",
  "-N -o ClearAllForwardings=yes host",
  "-o ForkAfterAuthentication=yes host sleep 9",
  ["-N", "-L", `$${"{HOME}"}/x.sock:localhost:80`, "-R", `127.0.0.1:8080:$${"{HOME}"}/y.sock`, "host"],
  ["-N", "-o", `LocalForward=8080 $${"{HOME}"}/x.sock`, "-D", `$${"{PORT_OF_TEST}"}`, "host"],
];

process.env["PORT_OF_TEST"] = "1080";

/** All settings of `ssh -G`, sorted but for those whose order counts, which are among their own name. */
async function settingsOf(words: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr, code } = await run("ssh", ["-G", "-F", "none", ...words], {
    env: { PATH: process.env["PATH"] ?? "", HOME: home, PORT_OF_TEST: "1080" },
    cwd: home,
  });
  assert.equal(code, 0, `ssh -G ${words.join(" ")}: ${stderr}`);
  return stdout.trimEnd().split("\n");
}

/** The line of porthop for these words, without its end. */
async function lineFor(words: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await run(executable, ["command", ...words]);
  assert.deepEqual([code, stderr], [0, ""], words.join(" "));
  assert.match(stdout, /^ssh [^\n]+\n$/);
  return stdout.trimEnd();
}

/** As a shell cuts it. */
async function cut(line: string): Promise<readonly string[]> {
  const { stdout } = await run("sh", ["-c", `printf '%s\\0' ${line}`], { cwd: "/" });
  return stdout.split("\0").slice(1, -1);
}

const rows = commands.map((row) => (typeof row === "string" ? row.split(" ") : row));

test(
  `${rows.length} commands mean the same to ssh -G before and after, and the printed line gives itself.`,
  limits,
  async () => {
    assert.ok(rows.length >= 60);
    for (const words of rows) {
      const line = await lineFor(words);
      const again = await cut(line);
      assert.deepEqual(await settingsOf(again), likeRun(await settingsOf(words), line), `${words.join(" ")}\n${line}`);
      assert.equal(await lineFor([line]), line, words.join(" "));
      assert.equal(await lineFor(again), line, words.join(" "));
    }
  },
);

/** As porthop does by itself, the line has ssh end when a forward cannot be set up, where the words say nothing of it. */
function likeRun(settings: readonly string[], line: string): readonly string[] {
  if (!/ExitOnForwardFailure=yes/.test(line)) return settings;
  return settings.map((each) => (each === "exitonforwardfailure no" ? "exitonforwardfailure yes" : each));
}

/** What only the command line can say, or says otherwise. */
const notInConfig = (words: readonly string[]) =>
  words.some((word) => /^-W|^-o?SessionType|^-[a-zA-Z]*i|^IdentityFile|^-[a-zA-Z]*K|^ForkAfter/.test(word)) ||
  words.includes("-s");

test("The Host block means the same to ssh -G as the command, but for the name of the host.", limits, async () => {
  const without = (lines: readonly string[]) => lines.filter((line) => !line.startsWith("host "));
  let tried = 0;
  for (const words of rows.filter((each) => !notInConfig(each))) {
    const { stdout, stderr, code } = await run(executable, [
      "command",
      "--format",
      "config",
      "--name",
      "web",
      ...words,
    ]);
    assert.equal(code, 0, stderr);
    const file = join(home, "config");
    writeFileSync(file, stdout);
    chmodSync(file, 0o600);
    const inConfig = await run("ssh", ["-G", "-F", file, "web"], {
      env: { PATH: process.env["PATH"] ?? "", HOME: home, PORT_OF_TEST: "1080" },
    });
    assert.equal(inConfig.code, 0, `${words.join(" ")}\n${stdout}${inConfig.stderr}`);
    const line = await lineFor(words);
    const sorted = (lines: readonly string[]) => without(lines).filter((each) => !/^remotecommand /.test(each));
    assert.deepEqual(
      sorted(inConfig.stdout.trimEnd().split("\n")),
      sorted(await settingsOf(await cut(line))),
      `${words.join(" ")}\n${stdout}`,
    );
    tried++;
  }
  assert.ok(tried > 50, `only ${tried} were tried`);
});

test("User text runs nothing, wherever it stands and whatever it holds.", limits, async () => {
  const mark = join(home, "touched");
  for (const evil of [
    `$(touch ${mark})`,
    `\`touch ${mark}\``,
    `'; touch ${mark}; '`,
    `" && touch ${mark} "`,
    `| touch ${mark}`,
  ]) {
    for (const words of [
      ["-L", "1:a:1", "host", evil],
      ["-i", evil, "-L", "1:a:1", "host"],
      ["-o", `ProxyCommand=x ${evil}`, "-L", "1:a:1", "host"],
      ["-S", evil, "-L", "1:a:1", "host"],
    ]) {
      const line = await lineFor(words);
      const given = await cut(line);
      assert.ok(
        given.some((word) => word.endsWith(evil)),
        line,
      );
      assert.ok(!existsSync(mark), line);
      assert.equal(await lineFor([line]), line);
    }
  }
});

for (const words of [
  ["-L", "1:a:1", "--", "-oProxyCommand=id"],
  ["-L", "1:a:1", "--", "-oProxyCommand=id", "host"],
  ["-L", "1:a:1", "-o", "HostName=-oProxyCommand=id", "host"],
  ["-L", "1:a:1", "-l", "-x", "host"],
  ["-J", "-oProxyCommand=id", "-L", "1:a:1", "host"],
  ["-L", "1:a:1", "ssh://-x"],
  ["-L", "1:a:1", "host", "a\nb"],
  ["ssh -L 1:a:1 $(id)"],
  ["sudo ssh -L 1:a:1 host"],
  ["-f", "host"],
  ["-1", "-N", "host"],
  ["-N", "-s", "host", "sftp"],
  ["-y", "-E", "/tmp/log", "-N", "host"],
  ["-o", "Tunnel=maybe", "-N", "host"],
  ["-o", "RemoteCommand=ls", "host", "date"],
  ["-L", "8080:db:no-such-service", "host"],
]) {
  test(`porthop command ${JSON.stringify(words)} is refused, and stdout stays empty.`, limits, async () => {
    await using program = porthop(["command", ...words]);
    const { code, stdout, stderr } = await program.exit;
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^porthop: .*\[usage\]\n {2}hint: /);
  });
}

test("A line that is longer than a pipe holds is whole, however late it is read.", limits, async () => {
  const words = Array.from({ length: 12_000 }, (_, index) => `word${index}`);
  const flags = ["command", "--rate-limit", "1MB/s", "-L", "1:a:1", "host"];
  // The note on stderr comes after the line: only then the reader of stdout begins.
  const script = 'mkfifo notes; "$@" 2>notes | { exec 3<notes; read note <&3; cat; }';
  const cwd = tempDirectory("late");
  const { stdout } = await run("sh", ["-c", script, "sh", executable, ...flags, ...words], { cwd });
  removeTemp(cwd);
  assert.deepEqual(stdout.trimEnd().split(" ").slice(-words.length), words);
});

test("A pasted ssh command runs: bytes go through it.", limits, async () => {
  await using server = await startSshServer();
  await using target = await echoServer();
  const port = await freePort();
  const args = [...server.sshArgs, "-N", "-L", `${port}:127.0.0.1:${target.port}`, server.host];
  const pasted = `$ ssh ${args.map((word) => `'${word}'`).join(" \\\n  ")}\n`;
  await using program = porthop(["run", "--json", pasted]);
  await program.event("ready");
  assert.ok(await echoes(port));
});
