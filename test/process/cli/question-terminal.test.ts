import assert from "node:assert/strict";
import { test } from "node:test";
import { need } from "../../kit/packages.ts";
import { pty } from "../../kit/pty.ts";
import { run } from "../../kit/run.ts";
import { projectRoot } from "../../kit/runtime.ts";
import { snippetCommand } from "../../kit/snippet.ts";

const timeout = 30_000;
const onTerminal = { skip: need("script", "stty", "sh"), timeout };
const columns = 120;

function snippet(body: string): [string, ...string[]] {
  const imports = { "openTerminal, QuestionTerminal": "src/cli/question-terminal.ts" };
  const beginning = `
    const { readdirSync, readlinkSync, readSync } = await import("node:fs");
    const terminal = new QuestionTerminal(openTerminal());`;
  return snippetCommand(imports, `${beginning}\n${body}\nprocess.exit(0);`);
}

test("Keys that are typed when no question is open are left to other readers.", onTerminal, async () => {
  const body = `
    console.log("first", await terminal.line("One? ", { isHidden: true }));
    const typed = Buffer.alloc(100);
    console.log("other reader", typed.toString("utf8", 0, readSync(0, typed)).trim());
    console.log("last", await terminal.line("Two? ", { isHidden: false }));`;
  await using screen = pty(snippet(body), { cwd: projectRoot, columns });
  await screen.screen(/One\? /);
  screen.send("1\r");
  await screen.screen(/first 1\r\n/);
  screen.send("for the command\r");
  await screen.screen(/other reader for the command\r\n[\s\S]*Two\? /);
  screen.send("2\r");
  await screen.screen(/last 2\r\n/);
});

test("A question ends with its signal, and the next one gets an answer of its own.", onTerminal, async () => {
  const body = `
    const stop = new AbortController();
    const failed = terminal.line("One? ", { isHidden: true, signal: stop.signal });
    setTimeout(() => stop.abort(new Error("hung up")), 50);
    console.log("ended:", await failed.catch((error) => error.message));
    console.log("answer", await terminal.line("Two? ", { isHidden: true }));`;
  await using screen = pty(snippet(body), { cwd: projectRoot, columns });
  await screen.screen(/One\? \r\nended: hung up\r\nTwo\? /);
  screen.send("2\r");
  await screen.screen(/answer 2\r\n/);
});

test(
  "A question that is given up moves to the next line at once, before anything is said about it.",
  onTerminal,
  async () => {
    const body = `
    const stop = new AbortController();
    const failed = terminal.line("One? ", { isHidden: true, signal: stop.signal }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort(new Error("hung up"));
    await new Promise((resolve) => setImmediate(resolve));
    console.log("it hung up");
    await failed;`;
    await using screen = pty(snippet(body), { cwd: projectRoot, columns });
    await screen.screen(/One\? \r\nit hung up\r\n/);
  },
);

test("A second question waits for the end of the first, and its answer is hidden to the end.", onTerminal, async () => {
  const body = `
    const stop = new AbortController();
    const first = terminal.line("One? ", { isHidden: true, signal: stop.signal }).catch((error) => error.message);
    const second = terminal.line("Two? ", { isHidden: true });
    setTimeout(() => stop.abort(new Error("hung up")), 50);
    console.log("ended:", await first);
    console.log("answer", (await second).length);`;
  await using screen = pty(snippet(body), { cwd: projectRoot, columns });
  await screen.screen(/One\? \r\n(ended: hung up\r\nTwo\? |Two\? ended: hung up\r\n)/);
  screen.send("s3cret\r");
  await screen.screen(/answer 6\r\n/);
  assert.doesNotMatch(screen.text, /s3cret/);
});

test("A terminal that was given back is closed, and asks nobody.", onTerminal, async () => {
  const body = `
    const open = () => readdirSync("/proc/self/fd").filter((fd) => {
      try { return readlinkSync("/proc/self/fd/" + fd) === "/dev/tty"; } catch { return false; }
    }).length;
    const before = open();
    await terminal.line("One? ", { isHidden: true });
    terminal.release();
    terminal.release();
    while (open() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log("open", before, open(), await terminal.line("Two? ", { isHidden: true }).catch((error) => error.message));`;
  await using screen = pty(snippet(body), { cwd: projectRoot, columns });
  await screen.screen(/One\? /);
  screen.send("1\r");
  await screen.screen(/open 1 0 the terminal was given back, and there is nobody to ask any more\r\n/);
  assert.doesNotMatch(screen.text, /Two\?/);
});

test("Text longer than a terminal takes at once is written whole, in order.", onTerminal, async () => {
  const body = `
    for (let number = 0; number < 3000; number++) terminal.write("line " + number + "\\n");
    console.log("answer", await terminal.line("Well? ", { isHidden: false }));`;
  await using screen = pty(snippet(body), { cwd: projectRoot, columns });
  await screen.screen(/Well\? $/);
  screen.send("yes\r");
  await screen.screen(/answer yes\r\n/);
  const expected = Array.from({ length: 3000 }, (_, number) => `line ${number}\r\n`).join("");
  assert.ok(screen.text.includes(`${expected}Well? yes\r\n`));
});

test("Without a controlling terminal there is none to open.", { skip: need("setsid"), timeout }, async () => {
  const program = snippetCommand(
    { openTerminal: "src/cli/question-terminal.ts" },
    'console.log("opened", openTerminal());',
  );
  const ran = await run("setsid", ["-w", ...program], { cwd: projectRoot });
  assert.equal(ran.stdout, "opened undefined\n");
});
