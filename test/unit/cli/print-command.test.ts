import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { explain } from "../../../src/cli/explain-command.ts";
import { command } from "../../../src/cli/print-command.ts";
import { tempDirectory } from "../../kit/temp.ts";
import { writtenBy } from "../../kit/written.ts";

async function told(...words: string[]) {
  let helps = 0;
  const written = await writtenBy(async () => {
    assert.equal(await command(words, () => helps++), 0);
  });
  return { ...written, helps };
}

test("One line on stdout and nothing else.", async () => {
  const { stdout, stderr } = await told("-fL", "*:8080:localhost:80", "alice@server:2222");
  assert.deepEqual(
    [stdout, stderr],
    ["ssh -N -f -p 2222 -o ExitOnForwardFailure=yes -L '*:8080:localhost:80' alice@server\n", ""],
  );
});

test("What ssh cannot say goes to stderr as comments.", async () => {
  const { stdout, stderr } = await told("--rate-limit", "1MB/s", "--capture", "x.pcap", "-L", "1:a:1", "h");
  assert.equal(stdout, "ssh -N -o ExitOnForwardFailure=yes -L 1:a:1 h\n");
  const lines = stderr.trimEnd().split("\n");
  assert.equal(lines.length, 5);
  for (const line of lines) assert.match(line, /^# /);
  assert.equal(lines.filter((line) => line.includes("tcpdump -ni")).length, 3);
});

test("A name of a cipher that ssh does not know is told beside the line, for most versions of ssh end there.", async () => {
  const { stdout, stderr } = await told("-N", "-c", "aes128-ctr,foo", "-L", "1:a:1", "h");
  assert.match(stdout, / -c aes128-ctr,foo /);
  assert.match(
    stderr,
    /^# Ciphers: "foo" is no cipher that ssh knows.*: most versions of ssh refuse the line for it\n$/,
  );
});

test("A Host block says what only ssh has, and not that porthop lacks it.", async () => {
  const file = join(tempDirectory(), "config");
  writeFileSync(file, "Host h\n PKCS11Provider /lib/a.so\n Tunnel yes\n", { mode: 0o600 });
  const { stdout } = await told("--format", "config", "-F", file, "-L", "1:a:1", "h");
  assert.match(stdout, /\n {4}PKCS11Provider \/lib\/a\.so\n {4}Tunnel yes\n/);
  assert.doesNotMatch(stdout, /porthop/);
});

test("For PowerShell the line has its quotes, and it is said what old ones lose.", async () => {
  const { stdout, stderr } = await told("--shell", "powershell", "-L", "1:a:1", "h", "echo", 'it\'s "$HOME"');
  assert.equal(stdout, `ssh -o ExitOnForwardFailure=yes -L 1:a:1 h echo 'it''s "$HOME"'\n`);
  assert.match(stderr, /^# PowerShell before 7\.3/);
});

for (const [format, first] of [
  ["config", "# Then: ssh web"],
  ["systemd", "# ~/.config/systemd/user/web.service"],
  ["autossh", "autossh -M 0 -N"],
  ["plink", "plink -ssh -N"],
  ["porthop", "porthop run -L"],
] as const) {
  test(`--format ${format} begins with ${first}.`, async () => {
    const { stdout } = await told("--format", format, "--name", "web", "ssh -L 1:a:1 h");
    assert.ok(stdout.startsWith(first), stdout);
  });
}

test("A line of porthop is one that porthop run takes; what only ssh has is refused.", async () => {
  for (const [words, says] of [
    [["-S", "/s", "-L", "1:a:1", "h"], /porthop does not have ssh's flag -S/],
    [["-o", "Tunnel=yes", "-L", "1:a:1", "h"], /porthop does not have Tunnel/],
    [["--allow-from", "x", "-L", "8080:localhost:80", "bob@server"], /--allow-from x: "x" is no network/],
    [["--grace", "soon", "-L", "1:a:1", "h"], /--grace soon/],
    [["h"], /nothing to forward and nothing to run/],
  ] as const) {
    await assert.rejects(
      command(["--format", "porthop", ...words], () => {}),
      says,
    );
  }
});

test("A line of ssh is one that ssh takes.", async () => {
  await assert.rejects(
    command(["-e", "abc", "-t", "-L", "8080:localhost:80", "bob@server"], () => {}),
    /EscapeChar: "abc" is not one character/,
  );
  assert.equal(
    (await told("-M", "-2", "-L", "1:a:1", "h")).stdout,
    "ssh -N -M -o ExitOnForwardFailure=yes -L 1:a:1 h\n",
  );
});

test("As run does, the line of ssh ends when a forward cannot be set up, unless the user says otherwise.", async () => {
  const has = async (...words: string[]) => (await told(...words)).stdout.includes("ExitOnForwardFailure");
  const block = await told("--format", "config", "-L", "1:a:1", "h");
  assert.match(block.stdout, /^ {4}ExitOnForwardFailure yes$/m);
  assert.equal(await has("ssh -L 1:a:1 h"), true);
  // Nothing listens.
  assert.equal(await has("-W", "a:1", "h"), false);
  assert.equal(await has("-N", "h"), false);
  // porthop does it by itself.
  assert.equal(await has("--format", "porthop", "-L", "1:a:1", "h"), false);
  const said = await told("-o", "exitonforwardfailure=no", "-L", "1:a:1", "h");
  assert.equal(said.stdout, "ssh -N -o ExitOnForwardFailure=no -L 1:a:1 h\n");
  const file = join(tempDirectory("config"), "config");
  writeFileSync(file, "Host quiet\n  ExitOnForwardFailure no\nHost prod\n  LocalForward 15432 localhost:3306\n");
  assert.equal(await has("-F", file, "-L", "1:a:1", "quiet"), false);
  assert.equal(await has("-F", file, "prod"), true);
  const quiet = await told("--format", "config", "--name", "other", "-F", file, "-L", "1:a:1", "quiet");
  assert.match(quiet.stdout, /^ {4}ExitOnForwardFailure no$/m);
});

test("--json is one object: the words and the line, or the lines of a file, with the notes.", async () => {
  const { stdout, stderr } = await told("--json", "--rate-limit", "1MB/s", "-L", "*:1:a:1", "h");
  assert.equal(stderr, "");
  assert.match(stdout, /^[^\n]+\n$/);
  const { notes, ...said } = JSON.parse(stdout);
  const words = ["ssh", "-N", "-o", "ExitOnForwardFailure=yes", "-L", "*:1:a:1", "h"];
  assert.deepEqual(said, { format: "ssh", command: "ssh -N -o ExitOnForwardFailure=yes -L '*:1:a:1' h", words });
  assert.match(notes.join("\n"), /^ssh limits no rate/);
  const file = await told("--json", "--format", "config", "-L", "1:a:1", "h");
  const { lines, format } = JSON.parse(file.stdout);
  const plain = await told("--format", "config", "-L", "1:a:1", "h");
  assert.deepEqual([format, `${lines.join("\n")}\n`], ["config", plain.stdout]);
  // A flag of run it is not: the pasted command after it may have its own.
  assert.equal(
    (await told("--format", "porthop", "porthop run --json -L 1:a:1 h")).stdout,
    "porthop run --json -L 1:a:1 h\n",
  );
});

test("With --json a failure is an event on stdout too.", async () => {
  for (const [does, words] of [
    [command, ["--json", "--format", "xml", "h"]],
    [explain, ["--json", "-L", "x", "h"]],
  ] as const) {
    let code: number | undefined;
    const { stdout } = await writtenBy(async () => {
      code = await does(words, () => {});
    });
    const [error, exit] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual([code, error.event, error.code, exit.event, exit.code], [2, "error", "usage", "exit", 2]);
  }
});

test("A relay has no ssh command: the nearest is socat.", async () => {
  await assert.rejects(
    command(["porthop relay -L 1:a:1"], () => {}),
    (error: { message?: string; hint?: string }) =>
      /uses no ssh/.test(error.message ?? "") && /socat TCP4-LISTEN:1,/.test(error.hint ?? ""),
  );
  const { stdout } = await told("--format", "porthop", "porthop relay -L 1:a:1");
  assert.equal(stdout, "porthop relay -L 1:a:1\n");
});

test("A format or a shell that there is not is wrong usage.", async () => {
  await assert.rejects(
    command(["--format", "xml", "h"], () => {}),
    (error: { message?: string; hint?: string }) =>
      /--format xml: not one of ssh, config/.test(error.message ?? "") &&
      /^porthop command --help/.test(error.hint ?? ""),
  );
  await assert.rejects(
    command(["--shell", "fish", "h"], () => {}),
    /--shell fish: not one of posix, powershell/,
  );
  await assert.rejects(
    command(["-L1:a:1", "h", "a\nb"], () => {}),
    /no pasted line can carry/,
  );
});

test("Help is shown and nothing else is done.", async () => {
  const { helps, stdout } = await told("--help");
  assert.deepEqual([helps, stdout], [1, ""]);
});

test("A Host block and a line of plink say where an alias of ssh's configuration leads: they know no alias.", async () => {
  const file = join(tempDirectory("config"), "config");
  writeFileSync(file, "Host web\n  HostName 10.0.0.7\n  User alice\n  Port 2222\n");
  const block = await told("--format", "config", "-F", file, "-L", "1:a:1", "web");
  for (const line of ["HostName 10.0.0.7", "User alice", "Port 2222"])
    assert.ok(block.stdout.includes(`    ${line}\n`));
  const plink = await told("--format", "plink", "-F", file, "-L", "1:a:1", "web");
  assert.match(plink.stdout, /^plink .*-P 2222 .* alice@10\.0\.0\.7$/m);
});

test("Where the configuration cannot be read the words are printed as they are.", async () => {
  const file = join(tempDirectory("config"), "config");
  writeFileSync(file, "Host web\n  Port none\n");
  const { stdout } = await told("--format", "config", "-F", file, "-L", "1:a:1", "web");
  assert.match(stdout, /^ {4}HostName web$/m);
  assert.match(stdout, /^# the ssh configuration is left out, for it cannot be read: .* line 2: Port/m);
});

test("What only porthop has is no word of ssh, whether a flag or an -o says it, and is told beside the line.", async () => {
  const { stdout, stderr } = await told("-o", "PorthopRateLimit=1MB/s", "--use", "log", "-L", "1:a:1", "h");
  assert.equal(stdout, "ssh -N -o ExitOnForwardFailure=yes -L 1:a:1 h\n");
  assert.match(stderr, /ssh limits no rate \(--rate-limit 1MB\/s\)/);
  assert.match(stderr, /ssh has no plugins \(--use log\)/);
  const own = await told("--format", "porthop", "-o", "PorthopRateLimit=1MB/s", "-L", "1:a:1", "h");
  assert.equal(own.stdout, "porthop run -o PorthopRateLimit=1MB/s -L 1:a:1 h\n");
});

test("How the link is kept is told beside a line of ssh, but not where autossh or systemd does it, and is in one of porthop.", async () => {
  const words = "--reconnect auto --hold 1m --sessions 2 --fallback db --check-target -L 1:a:1 h".split(" ");
  const { stderr } = await told(...words);
  for (const flag of ["--reconnect auto", "--hold 1m", "--sessions 2", "--fallback db", "--check-target"]) {
    assert.ok(stderr.includes(`(${flag})`), flag);
  }
  for (const format of ["autossh", "systemd"]) {
    const other = await told("--format", format, ...words);
    const all = other.stdout + other.stderr;
    assert.deepEqual([all.includes("(--reconnect auto)"), all.includes("(--hold 1m)")], [false, true], format);
  }
  assert.equal((await told("--format", "porthop", ...words)).stdout, `porthop run ${words.join(" ")}\n`);
});

test("What a file says of the link is told as well.", async () => {
  const file = join(tempDirectory("config"), "config");
  writeFileSync(file, "IgnoreUnknown Porthop*\nPorthopReconnect always\nPorthopFallback db\nPorthopCheckTarget yes\n");
  const { stderr } = await told("-F", file, "-L", "1:a:1", "h");
  for (const flag of ["--reconnect always", "--fallback db", "--check-target"]) {
    assert.ok(stderr.includes(`(${flag})`), flag);
  }
});

test("A Host that has forwards needs no -N in a line of porthop's.", async () => {
  const file = join(tempDirectory("config"), "config");
  writeFileSync(file, "Host prod\n  LocalForward 15432 localhost:3306\n");
  assert.equal((await told("--format", "porthop", "-F", file, "prod")).stdout, `porthop run -F ${file} prod\n`);
  assert.equal((await told("-F", file, "prod")).stdout, `ssh -N -F ${file} -o ExitOnForwardFailure=yes prod\n`);
});
