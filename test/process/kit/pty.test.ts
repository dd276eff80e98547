import assert from "node:assert/strict";
import { test } from "node:test";
import { need } from "../../kit/packages.ts";
import { isAlive } from "../../kit/processes.ts";
import { pty } from "../../kit/pty.ts";

const limits = { skip: need("script", "stty", "sh"), timeout: 30_000 };

test("A prompt is awaited, answered, and the exit code comes back.", limits, async () => {
  await using terminal = pty(["sh", "-c", 'printf "Name? "; read name; echo "Hello, $name"; exit 4']);
  await terminal.screen(/Name\? $/);
  const mark = terminal.send("Anna\r");
  await terminal.screen(/Hello, Anna\r\n/, { after: mark });
  assert.equal(await terminal.exit, 4);
  assert.equal(terminal.text, "Name? Anna\r\nHello, Anna\r\n");
});

test("The program has a terminal of the wanted size, and arguments come as they are.", limits, async () => {
  const command = ["sh", "-c", 'test -t 0 && test -t 1 && stty size && printf "<%s>" "$@"', "sh", "it's", "$HOME `x`"];
  await using terminal = pty(command, { rows: 33, columns: 101 });
  assert.equal(await terminal.exit, 0);
  assert.equal(terminal.text, "33 101\r\n<it's><$HOME `x`>");
});

test("Changing the size is told to the program.", limits, async () => {
  await using terminal = pty(["sh", "-c", 'trap "stty size" WINCH; echo up; while :; do sleep 0.05; done']);
  await terminal.screen(/up/);
  terminal.resize(50, 132);
  await terminal.screen(/50 132/);
});

test("Colours and cursor movements do not get in the way, and can still be seen.", limits, async () => {
  await using terminal = pty(["printf", "\\033[31mred\\033[0m \\033[2Kand\\033]0;title\\007 plain"]);
  await terminal.screen(/red and plain/);
  assert.match(terminal.raw, /31mred/);
});

test("Ctrl-C is typed like any other key, and its signal is in the exit code.", limits, async () => {
  await using terminal = pty(["sh", "-c", "echo up; exec sleep 1000"]);
  await terminal.screen(/up/);
  terminal.send("\u0003");
  assert.equal(await terminal.exit, 130);
});

test("Waiting fails with all that was on the screen when the program ends first.", limits, async () => {
  await using terminal = pty(["echo", "gone"]);
  await assert.rejects(terminal.screen(/never/), /never.*ended with code 0; the screen was:\ngone/);
});

test("What runs in the terminal ends with it.", limits, async () => {
  let pid: number;
  {
    await using terminal = pty(["sh", "-c", "echo pid $$; sleep 1000"]);
    pid = Number((await terminal.screen(/pid (\d+)\r/))[1]);
    assert.equal(isAlive(pid), true);
  }
  assert.equal(isAlive(pid), false);
});
