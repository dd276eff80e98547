import assert from "node:assert/strict";
import { test } from "node:test";
import { execute } from "../../../src/cli/commands.ts";
import { porthopFlags, sshFlags } from "../../../src/config/run-flags.ts";
import { type Exit, porthop } from "../../kit/porthop.ts";
import { currentRuntime } from "../../kit/runtime.ts";

const timeout = 30_000;

async function told(...args: string[]): Promise<Exit> {
  await using program = porthop(args, { runtime: currentRuntime });
  return await program.exit;
}

/** The parts of a help text, in order: its heading, then each title's lines. */
function sections(text: string): ReadonlyMap<string, readonly string[]> {
  const parts = text.trimEnd().split(/\n\n(?=[A-Z]\w*:\n)/);
  return new Map(parts.map((part) => [/^(\w+):/.exec(part)?.[1] ?? "", part.split("\n").slice(1)]));
}

test("The help begins with examples, and lists every command.", { timeout }, async () => {
  const { code, stdout, stderr } = await told("--help");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual([...sections(stdout).keys()], ["", "Examples", "Usage", "Commands", "Options"]);
  const listed = sections(stdout)
    .get("Commands")
    ?.filter((line) => /^ {2}\S/.test(line))
    .map((line) => line.trim().split(/[ [\]]/)[0]);
  assert.deepEqual(listed, ["run", "wizard", "command", "explain", "check", "relay", "demo", "plugins", "help"]);
  const options = sections(stdout)
    .get("Options")
    ?.map((line) => line.trim().split(/ {2,}/)[0]);
  assert.deepEqual(options, ["-h, --help", "-V, --version", "--licenses"]);
  assert.match(stdout, /^porthop\/\d+\.\d+\.\d+\n/);
});

test("Without a word it shows the same help, as an answer to wrong usage.", { timeout }, async () => {
  const help = await told("--help");
  assert.deepEqual(await told("-h"), help);
  assert.deepEqual(await told("help"), help);
  const { code, stdout, stderr } = await told();
  assert.deepEqual([code, stdout, stderr], [2, help.stdout, ""]);
});

for (const [command, words] of [
  ["run", ["--help"]],
  ["run", ["-h"]],
  ["run", ["-L", "8080:localhost:80", "-Nh", "vishnu"]],
  ["command", ["--help"]],
  ["command", ["--format", "config", "-h", "vishnu"]],
  ["explain", ["--help"]],
  ["demo", ["--help"]],
  ["demo", ["--keep", "-h"]],
  ["plugins", ["--help"]],
  ["plugins", ["limit", "-h"]],
  ["wizard", ["--help", "please"]],
  ["help", ["--help"]],
] as const) {
  test(`porthop ${[command, ...words].join(" ")} shows the help of ${command}, examples first.`, {
    timeout,
  }, async () => {
    const { code, stdout, stderr } = await told(command, ...words);
    assert.deepEqual([code, stderr], [0, ""]);
    const parts = sections(stdout);
    assert.deepEqual([...parts.keys()], ["", "Examples", "Usage", "Options"]);
    for (const line of parts.get("Examples") ?? []) assert.match(line, new RegExp(`^ {2}porthop ${command}\\b`));
    assert.match(parts.get("Usage")?.[0] ?? "", new RegExp(`^ {2}\\$ porthop ${command}\\b`));
  });
}

test("The help of run has a line for each flag: its name, its value's name, what it is for.", { timeout }, async () => {
  const { stdout } = await told("run", "--help");
  // What is said of a flag may go on in the next line.
  const lines = sections(stdout)
    .get("Options")
    ?.join("\n")
    .replace(/\n {4,}(?!-)/g, " ")
    .split("\n")
    .map((line) => line.trim());
  const expected = [...sshFlags, ...porthopFlags]
    .filter(({ name }) => name !== "h" && name !== "help")
    .map(({ name, value, about }) => {
      const flag = `${name.length === 1 ? "-" : "--"}${name}`;
      return `${value === undefined ? flag : `${flag} <${value}>`} ${about}`;
    });
  assert.deepEqual(
    lines?.map((line) => line.replace(/ {2,}/, " ")),
    [...expected, "-h, --help this help; behind a command, the help of that command"],
  );
});

for (const words of [
  [],
  ["run"],
  ["wizard"],
  ["command"],
  ["explain"],
  ["check"],
  ["relay"],
  ["demo"],
  ["plugins"],
  ["help"],
]) {
  test(`No line of porthop ${[...words, "--help"].join(" ")} is wider than a terminal.`, { timeout }, async () => {
    const { stdout } = await told(...words, "--help");
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.length > 80 || line !== line.trimEnd()),
      [],
    );
  });
}

for (const [args, says] of [
  [["rnu"], 'there is no command "rnu" (did you mean run?)'],
  [["plugin"], 'there is no command "plugin" (did you mean plugins?)'],
  [["dmeo", "--help"], 'there is no command "dmeo" (did you mean demo?)'],
  [["constructor"], 'there is no command "constructor"'],
  [["help", "rnu"], 'there is no command "rnu" (did you mean run?)'],
  [["-L", "8080:localhost:80", "vishnu"], 'there is no command "-L"'],
  [[""], 'there is no command ""'],
  [["-"], 'there is no command "-"'],
  [["--help=run"], 'there is no command "--help=run"'],
  [["ru\u001bn"], 'there is no command "ru\\x1bn"'],
] as const) {
  test(`porthop ${JSON.stringify(args)} is wrong usage: ${says}.`, { timeout }, async () => {
    const { code, stdout, stderr } = await told(...args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^porthop: .*\[usage\]\n {2}hint: .+\n$/);
    assert.ok(stderr.startsWith(`porthop: ${says}`), stderr);
  });
}

test("porthop help COMMAND shows what COMMAND --help does.", { timeout }, async () => {
  assert.deepEqual(await told("help", "run"), await told("run", "--help"));
  assert.deepEqual(await told("help", "demo"), await told("demo", "--help"));
});

for (const [args, message] of [
  [["demo", "now"], "unexpected word now"],
  [["demo", "now", "or\u001b never"], "unexpected word now or\\x1b never"],
  [["demo", "demo"], "unexpected word demo"],
  [["demo", "--keep", "007"], "unexpected word 007"],
  [["demo", "--keep", "true"], "unexpected word true"],
  [["demo", "--", "--keep"], "unexpected word --keep"],
  [["demo", "-"], "unexpected word -"],
  [["demo", "--kep"], "unknown flag --kep (did you mean --keep?)"],
  [["demo", "-L", "8080:localhost:80"], "unknown flag -L"],
  [["demo", "-capture", "x"], 'unknown flag -c in "-capture" (did you mean --capture?)'],
  [["demo", "--k\u001b[2J"], "unknown flag --k\\x1b[2J"],
  [["demo", "--version"], "unknown flag --version"],
  [["demo", "--capture"], "--capture needs a value"],
  [["demo", "--capture", "--keep"], "--capture needs a value"],
  [["demo", "--capture", "--capture", "x"], "--capture needs a value"],
  [["demo", "--capture", "--", "x"], "--capture needs a value"],
  [["demo", "--keep=1"], '--keep takes no value, but "1" was given'],
  [["plugins", "--all"], "unknown flag --all"],
  [["help", "run", "demo"], "unexpected word demo"],
] as const) {
  test(`porthop ${JSON.stringify(args)} is wrong usage: ${message}.`, async () => {
    const expected = { code: "usage", exitCode: 2, message, hint: `porthop ${args[0]} --help shows the flags` };
    await assert.rejects(execute(args), expected);
  });
}

test("A command comes first: what stands before one is none, and is named.", async () => {
  for (const word of ["--", "-L", "--keep", "--capture=x", "-v", "--json"]) {
    await assert.rejects(execute([word, "run", "demo"]), { code: "usage", message: `there is no command "${word}"` });
  }
});

test("What takes no words says so: porthop wizard alice@server, porthop wizard --simple.", async () => {
  const hint = "porthop wizard takes no words and no flags";
  await assert.rejects(execute(["wizard", "alice@server"]), { message: "unexpected word alice@server", hint });
  await assert.rejects(execute(["wizard", "--simple"]), { message: "unknown flag --simple", hint });
});

test("Words that aim at the objects of the program are wrong usage, and change none of them.", async () => {
  const shared = [Object.prototype, Object.prototype.toString, Object, Array.prototype, Function.prototype];
  const before = shared.map((each) => Object.getOwnPropertyDescriptors(each));
  for (const command of ["demo", "wizard", "plugins", "help", undefined]) {
    for (const name of [
      "__proto__",
      "constructor",
      "prototype",
      "toString",
      "valueOf",
      "hasOwnProperty",
      "keep",
      "_",
      "",
    ]) {
      for (const word of [`--${name}.x=1`, `--x.${name}.y=1`, `--no-${name}`, `---${name}.x=1`]) {
        await assert.rejects(execute(command === undefined ? [word] : [command, word]), { code: "usage" }, word);
      }
    }
  }
  assert.deepEqual(
    shared.map((each) => Object.getOwnPropertyDescriptors(each)),
    before,
  );
});

test("A word that is a number stays the text that was typed.", async () => {
  await assert.rejects(execute(["plugins", "007"]), { message: 'there is no plugin "007"' });
  await assert.rejects(execute(["plugins", "--", "-1e3"]), { message: 'there is no plugin "-1e3"' });
  await assert.rejects(execute(["help", "0x10"]), { message: 'there is no command "0x10"' });
});

test("A command gets its words as they are: no flag is read twice, no number is made of a text.", {
  timeout,
}, async () => {
  const user = await told("run", "-l", "-007", "--", "vishnu");
  assert.match(user.stderr, /^porthop: user "-007" begins with "-" \[usage\]/);
  const command = await told("run", "-o", "RemoteCommand=ls", "--", "vishnu", "--help", "-v", "--", "007");
  assert.match(
    command.stderr,
    /^porthop: RemoteCommand, and a command: only one of them can run: --help -v -- 007 \[usage\]/,
  );
  const file = await told("demo", "--capture");
  assert.match(file.stderr, /^porthop: --capture needs a value \[usage\]/);
});

test("--version and -V print one line: the version, the runtime and the platform.", { timeout }, async () => {
  const line = new RegExp(`^porthop \\d+\\.\\d+\\.\\d+ \\(${currentRuntime} [\\d.]+, [a-z0-9]+-[a-z0-9]+\\)\\n$`);
  for (const flag of ["--version", "-V"]) {
    const { code, stdout, stderr } = await told(flag);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, line);
  }
});
