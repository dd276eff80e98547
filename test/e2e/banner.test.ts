/** What a server says before the login: whole, on stderr, with real sshds and with one that has no measure. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch, type Runtime } from "../kit/launch.ts";
import { opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";

builtExecutable();
const timeout = 60_000;
const limits = { skip: need("sshd", "ssh-keygen", "ssh"), timeout };
const runtimes: readonly Runtime[] = ["compiled", "deno"];

/** 100 kB in lines of 50. */
const long = Array.from({ length: 2000 }, (_, line) => `line ${line} of a banner that `.padEnd(49, "."));
const banner = `${long.join("\n")}\n`;

for (const openssh of limits.skip === false ? opensshes() : []) {
  test(`A banner of 100 kB of sshd ${openssh.version} is shown whole, and the login goes on.`, limits, async () => {
    const file = join(tempDirectory("banner"), "banner");
    writeFileSync(file, banner);
    await using sshd = await startSshd({ openssh, config: [`Banner ${file}`] });
    for (const runtime of runtimes) {
      for (const cipher of ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr"]) {
        const flags = ["-c", cipher, "-L", `${await freePort()}:localhost:1`];
        await using program = porthop(["run", "--json", ...flags, ...sshd.sshArgs, sshd.host], { runtime });
        await program.event("ready");
        await program.stderr(/line 1999 .*\n/);
        assert.ok(program.stderrText.includes(banner), `${runtime}, ${cipher}`);
      }
    }
  });
}

test("With -E the banner is on stderr all the same, and -q and LogLevel hide it, as with ssh.", limits, async () => {
  await using sshd = await startSshd({ config: [`Banner ${shortBanner()}`] });
  const log = join(tempDirectory("log"), "log");
  for (const [flags, expected] of [
    [["-E", log], "Welcome\n  to vishnu\n"],
    [["-q"], ""],
    [["-o", "LogLevel=ERROR"], ""],
  ] as const) {
    const words = [...flags, ...sshd.sshArgs, sshd.host, "true"];
    const { command, env, cwd } = launch(["run", ...words]);
    const [program = "", ...args] = command;
    const ours = await run(program, args, { env, cwd });
    const theirs = await run("ssh", words, { env, cwd });
    assert.deepEqual([ours.code, ours.stderr], [0, expected], flags.join(" "));
    assert.equal(theirs.stderr, expected, `ssh ${flags.join(" ")}`);
  }
  assert.doesNotMatch(readFileSync(log, "utf8"), /Welcome/);
});

test("A login that fails behind a long banner loses nothing of it, though the reader is slow.", limits, async () => {
  await using server = await startSshServer({ banner, publicKey: "ssh-ed25519 AAAA" });
  const { command, env, cwd } = launch([
    "run",
    "-L",
    `${await freePort()}:localhost:1`,
    ...server.sshArgs,
    server.host,
  ]);
  // The reader begins when the pipe is full.
  const slowly = '{ "$@" 2>&1; echo "ended with $?"; } | { sleep 0.3; cat; }';
  const { stdout } = await run("sh", ["-c", slowly, "sh", ...command], { env, cwd });
  assert.ok(stdout.startsWith(banner));
  assert.match(stdout.slice(banner.length), /^porthop: .*\[ssh\.auth-failed\]\n {2}hint: .*\nended with 255\n$/);
});

function shortBanner(): string {
  const file = join(tempDirectory("banner"), "banner");
  writeFileSync(file, "Welcome\n  to vishnu\n");
  return file;
}
