import assert from "node:assert/strict";
import { test } from "node:test";
import { need } from "../../kit/packages.ts";
import { pty } from "../../kit/pty.ts";
import { run } from "../../kit/run.ts";
import { projectRoot } from "../../kit/runtime.ts";
import { snippetCommand } from "../../kit/snippet.ts";

const timeout = 30_000;
const onTerminal = { skip: need("script", "stty", "sh"), timeout };

/** Asks twice, and says on stdout what it was answered. */
const program = snippetCommand(
  { terminalPrompter: "src/cli/terminal-prompter.ts" },
  `
  let asked = 0;
  const prompter = terminalPrompter(() => asked++);
  if (prompter === undefined) console.log("nobody is there");
  else {
    try {
      prompter.inform("some words first");
      const name = await prompter.ask("Who is\\u001b[2J there? ");
      const secret = await prompter.secret("Password: ");
      console.log("told", JSON.stringify([name, secret, asked]));
    } catch (error) {
      console.log("thrown", error.code, error.message);
    }
  }
  process.exit(0);
  `,
);

/** Answers the first question, then the second. */
async function play(command: readonly string[]) {
  const terminal = pty(command, { cwd: projectRoot, columns: 120 });
  await terminal.screen(/some words first/);
  await terminal.screen(/Who is\\x1b\[2J there\?/);
  const mark = terminal.send("Ada\r");
  await terminal.screen(/Password:/, { after: mark });
  return terminal;
}

test(
  "A question is shown with what is typed, a secret without, and control characters of neither are sent.",
  onTerminal,
  async () => {
    await using terminal = await play(program);
    terminal.send("s3cret\r");
    await terminal.screen(/told \["Ada","s3cret",2\]/);
    assert.equal(await terminal.exit, 0);
    const before = terminal.text.slice(0, terminal.text.indexOf("told"));
    assert.match(before, /Ada/);
    assert.doesNotMatch(before, /s3cret/);
  },
);

test("A line feed ends an answer too, as sshpass sends it, and CR LF ends only one.", onTerminal, async () => {
  for (const end of ["\n", "\r\n"]) {
    await using terminal = pty(program, { cwd: projectRoot, columns: 120 });
    await terminal.screen(/Who is\\x1b\[2J there\?/);
    const mark = terminal.send(`Ada${end}`);
    await terminal.screen(/Password:/, { after: mark });
    terminal.send(`s3cret${end}`);
    await terminal.screen(/told \["Ada","s3cret",2\]/);
    assert.equal(await terminal.exit, 0);
  }
});

test("Ctrl-C at a question is a cancellation.", onTerminal, async () => {
  await using terminal = await play(program);
  terminal.send("\u0003");
  await terminal.screen(/thrown cancelled cancelled at a question/);
});

test("An empty answer is an empty text.", onTerminal, async () => {
  await using terminal = await play(program);
  terminal.send("\r");
  await terminal.screen(/told \["Ada","",2\]/);
});

test("When stdin is something else the terminal is asked all the same, as ssh does.", onTerminal, async () => {
  await using terminal = await play(["sh", "-c", 'exec "$@" </dev/null', "sh", ...program]);
  terminal.send("s3cret\r");
  await terminal.screen(/told \["Ada","s3cret",2\]/);
});

test("Where stderr is no terminal there is nobody to ask.", { timeout }, async () => {
  const [command, ...args] = program;
  assert.equal((await run(command, args, { cwd: projectRoot })).stdout, "nobody is there\n");
});
