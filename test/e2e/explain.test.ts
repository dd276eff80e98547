/** `porthop explain` as a user sees it: in a terminal of any width, in a pipe, and without any network. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { pty } from "../kit/pty.ts";
import { tempDirectory } from "../kit/temp.ts";

builtExecutable();
const noTerminal = need("script", "stty");
const limits = { timeout: 60_000 };
const pasted = "ssh -R *:8080:localhost:3000 -L 5432:db.internal:5432 -D 1080 -J bastion alice@vishnu";

for (const columns of [100, 80, 60, 40]) {
  test(`In a terminal of ${columns} columns no line is longer than that, but for what is to be copied.`, {
    ...limits,
    skip: noTerminal,
  }, async () => {
    const { command, env } = launch(["explain", pasted], { env: { NO_COLOR: "1" } });
    await using terminal = pty(command, { columns, env });
    assert.equal(await terminal.exit, 0);
    assert.ok(!terminal.raw.includes("\u001b"), "escape codes in spite of NO_COLOR");
    const lines = terminal.text.split(/\r?\n/);
    assert.ok(lines.some((line) => line.includes("leg 2, SSH")));
    for (const line of lines.filter((each) => each.length > columns)) assert.match(line, /^ +(tcpdump|ssh) -/);
  });
}

for (const runtime of ["compiled", "bun", "deno"] as const) {
  test(`On ${runtime} a terminal that knows no size (expect, CI) counts as one of 80 columns.`, {
    ...limits,
    skip: noTerminal,
  }, async () => {
    for (const words of [["explain", pasted], ["explain", "--help"], ["--help"]]) {
      const { command, env } = launch(words, { runtime, env: { NO_COLOR: "1" } });
      const [sizeless, usual] = await Promise.all(
        [0, 80].map(async (columns) => {
          await using terminal = pty(command, { columns, rows: columns === 0 ? 0 : 24, env });
          assert.equal(await terminal.exit, 0);
          return terminal.text;
        }),
      );
      assert.equal(sizeless, usual, words.join(" "));
    }
  });
}

test("Headings are bold in a terminal, and plain in a pipe.", { ...limits, skip: noTerminal }, async () => {
  const { command, env } = launch(["explain", pasted]);
  await using terminal = pty(command, { env });
  assert.equal(await terminal.exit, 0);
  assert.ok(terminal.raw.includes("\u001b[1mLook at"), terminal.raw);
  await using program = porthop(["explain", pasted]);
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(!stdout.includes("\u001b"));
  assert.match(stdout, /^Look at$/m);
});

test("The name of a server that the configuration knows is told, and the command stays as it is.", limits, async () => {
  const home = tempDirectory("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  const mark = join(home, "touched");
  const config = `Match exec "touch ${mark}"\n  User eve\nHost vishnu\n  HostName 10.0.0.1\n  Port 2222\n`;
  writeFileSync(join(home, ".ssh", "config"), config, { mode: 0o600 });
  const words = "ssh -N -o ExitOnForwardFailure=yes -L 8080:localhost:80 vishnu";
  await using program = porthop(["explain", words], { home });
  const { code, stdout } = await program.exit;
  assert.equal(code, 0);
  assert.match(stdout, /^In your ssh configuration\n {2}vishnu stands for 10\.0\.0\.1, port 2222: leg 2 goes there$/m);
  assert.ok(stdout.includes(`  ${words}\n`));
  assert.ok(!existsSync(mark), "a Match exec was run");
});

test("A command with a trap in it is explained to nobody: it is refused, and nothing of it runs.", limits, async () => {
  for (const trap of ["ssh -L 1:a:1 h; touch x", "ssh -L 1:a:1 $(touch x)", "ssh -L 1:a:1 -- -oProxyCommand=x"]) {
    await using program = porthop(["explain", trap]);
    const { code, stdout, stderr } = await program.exit;
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^porthop: .*\[usage\]/);
  }
});

test("What came from a web page cannot steer the terminal.", limits, async () => {
  await using program = porthop(["explain", "ssh -L 1:a:1 h 'echo \u001b]0;title\u0007\u202e'"]);
  const { code, stdout } = await program.exit;
  assert.equal(code, 0);
  assert.doesNotMatch(stdout.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
});
