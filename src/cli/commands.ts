/**
 * Registers the commands with cac, which finds the command, reads and checks its options, starts the command, and lays
 * out the help. The comment at `readWords` says which words cac cannot read, and what reads them.
 */
import { type CAC, type Command, cac } from "cac";
import { lookServicesUpIn } from "../codec/service-port.ts";
import type { RunFlag } from "../config/run-flags.ts";
import { readServicesFile } from "../config/services-file.ts";
import { asUsage } from "../config/usage.ts";
import { PorthopError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { quoted, visible } from "../text/terminal-text.ts";
import { type CommandEntry, commandTable } from "./command-table.ts";
import { laidOutHelp } from "./help-layout.ts";
import { isFlagOf, literalWords, readBack } from "./literal-words.ts";
import { version, versionLine } from "./version.ts";

export async function execute(argv: readonly string[]): Promise<number> {
  lookServicesUpIn(readServicesFile);
  const [name, ...words] = argv;
  const program = porthop();
  if (name === undefined) {
    showWholeHelp(program);
    return 2;
  }
  const command = commandNamed(program, name);
  if (command === undefined) return executeFlag(program, name);
  readWords(program, command, words);
  if (program.options["help"] === true) {
    program.outputHelp();
    return 0;
  }
  return await started(program, command);
}

/**
 * A word that is no command can be a flag of porthop itself (`porthop --version`). Words
 * behind such a flag are not read.
 */
async function executeFlag(program: CAC, word: string): Promise<number> {
  addOwnFlags(program);
  // cac reports neither an empty word nor an unknown flag, so both are looked for here.
  let isKnown = word.startsWith("-") ? isFlagOf(program.globalCommand, word) : word !== "";
  program.addEventListener("command:*", () => {
    isKnown = false;
  });
  if (isKnown) program.parse(["", "porthop", word], { run: false });
  if (!isKnown) throw noCommand(program, word);
  const { help, version: isVersion } = program.options;
  if (help === true) program.outputHelp();
  else if (isVersion === true) process.stdout.write(`${versionLine()}\n`);
  else {
    const { bundledLicenses } = await import("../packaging/bundled-licenses.ts");
    process.stdout.write(bundledLicenses());
  }
  return 0;
}

/**
 * cac reads the words of every command except run, check, relay, command and explain, which take the words of ssh. cac
 * cannot read those: values that may repeat and keep their order (-L and -R mixed), flags that are grouped or hold
 * their value (`-fNL 1:h:2`, `-p2222`), flags behind the host, a `--` before the host or the command, a command for the
 * server with its own --help, and a value that looks like a flag or a number (`-l 007`). So these words pass behind a
 * `--`, where cac reads nothing, and src/codec/words/argv.ts reads them. The words that cac does read pass through
 * literal-words.ts, which keeps `--capture 007` a text and refuses flags that cac would take for others.
 */
function readWords(program: CAC, command: Command, words: readonly string[]): void {
  const before = ["", "porthop", command.name];
  if (command.config.allowUnknownOptions === true) {
    program.parse([...before, "--", ...words], { run: false });
    return;
  }
  const literal = asUsage(hintOf(command), () => literalWords(words, command));
  program.parse([...before, ...literal], { run: false });
  readBack(program);
}

function started(program: CAC, command: Command): Promise<number> {
  try {
    return program.runMatchedCommand();
  } catch (error) {
    // cac does not export the class of its errors. Other errors do not come here: a failed command rejects its promise.
    if (!(error instanceof Error) || error.name !== "CACError") throw error;
    const message = flawOf(error.message, program.args.slice(command.args.length));
    throw new PorthopError("usage", message, { hint: hintOf(command), cause: error });
  }
}

/** The mistake that cac found, in porthop's words. */
function flawOf(message: string, extra: readonly string[]): string {
  const [, flag] = /^option `(\S+).*` value is missing$/.exec(message) ?? [];
  if (flag !== undefined) return `${flag} needs a value`;
  return extra.length > 0 ? `unexpected word ${visible(extra.join(" "), 100)}` : visible(message);
}

function hintOf({ name, options, args }: Command): string {
  const takesNothing = options.length === 0 && args.length === 0;
  return takesNothing ? `porthop ${name} takes no words and no flags` : `porthop ${name} --help shows the flags`;
}

function noCommand(program: CAC, word: string): PorthopError {
  const names = program.commands.map(({ name }) => name);
  return new PorthopError("usage", `there is no command ${quoted(word)}${didYouMean(word, names)}`);
}

function commandNamed(program: CAC, name: string): Command | undefined {
  return program.commands.find((command) => command.isMatched(name));
}

function showWholeHelp(program: CAC): void {
  addOwnFlags(program);
  program.globalCommand.outputHelp();
}

function porthop(): CAC {
  const program = cac("porthop");
  for (const entry of commandTable) addCommand(program, entry);
  addHelp(program);
  program.usage("<command> [flags]");
  addExamples(program, ["porthop wizard", "porthop demo", "porthop run -L 8080:localhost:80 alice@server"]);
  program.globalCommand.versionNumber = version;
  return program;
}

/** The flags of porthop itself, which no command has. */
function addOwnFlags(program: CAC): void {
  program.option("-V, --version", "version, runtime and platform");
  program.option("--licenses", "the licences of porthop and of all that is in it");
}

/**
 * Adds the help without cac's own help(). With help(), `porthop dmeo --help` shows a help instead of the error that
 * there is no such command.
 */
function addHelp(program: CAC): void {
  program.option("-h, --help", "this help; behind a command, the help of that command");
  program.globalCommand.helpCallback = (sections) => laidOutHelp(sections);
  const help = program.command("help [command]", "this help, or the help of a command");
  addExamples(help, ["porthop help run"]);
  help.action(async (name?: string) => {
    if (name === undefined) showWholeHelp(program);
    else {
      const command = commandNamed(program, name);
      if (command === undefined) throw noCommand(program, name);
      command.outputHelp();
    }
    return 0;
  });
}

function addCommand(program: CAC, entry: CommandEntry): void {
  const { name, words, about, usage, examples, letters = [], flags = [] } = entry;
  const command = program.command(words === undefined ? name : `${name} ${words}`, about);
  if (usage !== undefined) command.usage(`${name} ${usage}`);
  addExamples(command, examples);
  for (const flag of letters) addFlag(command, "-", flag);
  for (const flag of flags) addFlag(command, "--", flag);
  if (entry.takesSshWords) {
    command.allowUnknownOptions();
    command.action(() => entry.act(program.options["--"], () => program.outputHelp()));
  } else command.action(() => entry.act(program.args, program.options));
}

function addExamples(to: CAC | Command, examples: readonly string[]): void {
  for (const example of examples) to.example(`  ${example}`);
}

function addFlag(command: Command, dashes: "-" | "--", { name, value, about }: RunFlag): void {
  if (name === "h" || name === "help") return;
  command.option(`${dashes}${name}${value === undefined ? "" : ` <${value}>`}`, about);
  // cac takes a flag --no-x for the opposite of an --x that is on by default, and would say so in the help.
  const config = command.options.at(-1)?.config;
  if (config !== undefined) delete config.default;
}
