import assert from "node:assert/strict";
import { test } from "node:test";
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
  assert.deepEqual(listed, ["run", "wizard", "command", "explain", "check", "relay", "demo", "plugins"]);
  const options = sections(stdout)
    .get("Options")
    ?.map((line) => line.trim().split(/ {2,}/)[0]);
  assert.deepEqual(options, ["-h, --help", "--version", "--licenses"]);
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

for (const words of [[], ["run"], ["wizard"], ["command"], ["explain"], ["check"], ["relay"], ["demo"], ["plugins"]]) {
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
  [["-L", "8080:localhost:80", "vishnu"], 'there is no command "-L"'],
  [[""], 'there is no command ""'],
  [["ru\u001bn"], 'there is no command "ru\\x1bn"'],
] as const) {
  test(`porthop ${JSON.stringify(args)} is wrong usage: ${says}.`, { timeout }, async () => {
    const { code, stdout, stderr } = await told(...args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^porthop: .*\[usage\]\n {2}hint: .+\n$/);
    assert.ok(stderr.startsWith(`porthop: ${says}`), stderr);
  });
}

test("A command gets its words as they are: no flag is read twice, no number is made of a text.", {
  timeout,
}, async () => {
  const user = await told("run", "-l", "-007", "--", "vishnu");
  assert.match(user.stderr, /^porthop: user "-007" begins with "-" \[usage\]/);
  const command = await told("run", "-N", "--", "vishnu", "--help", "-v", "--", "007");
  assert.match(command.stderr, /^porthop: -N is for no command, and there is one: --help -v -- 007 \[usage\]/);
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
