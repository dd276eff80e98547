/**
 * The commands, registered with cac, which finds the one that is meant and lays out the help.
 * Their words are not cac's to read: it turns `-l 007` into the number 7 and knows nothing of ssh's grouped flags. They
 * pass behind a `--` and are read by codec/argv.ts.
 */
import { type CAC, type Command, cac } from "cac";
import type { RunFlag } from "../config/run-flags.ts";
import { PorthopError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { quoted } from "../text/terminal-text.ts";
import { type CommandEntry, commandTable } from "./command-table.ts";
import { laidOutHelp } from "./help-layout.ts";
import { version, versionLine } from "./version.ts";

export async function execute(argv: readonly string[]): Promise<number> {
  const [name, ...words] = argv;
  const program = porthop();
  if (name === undefined) {
    showHelp(program);
    return 2;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    showHelp(program);
    return 0;
  }
  if (name === "--version" || name === "-V") {
    process.stdout.write(`${versionLine()}\n`);
    return 0;
  }
  if (name === "--licenses") {
    const { bundledLicenses } = await import("../packaging/bundled-licenses.ts");
    process.stdout.write(bundledLicenses());
    return 0;
  }
  const entry = commandTable.find((each) => each.name === name);
  if (entry === undefined) {
    const names = commandTable.map((each) => each.name);
    throw new PorthopError("usage", `there is no command ${quoted(name)}${didYouMean(name, names)}`);
  }
  program.parse(["", "porthop", name, "--", ...words], { run: false });
  return entry.act(program.options["--"] as string[], () => program.outputHelp());
}

/** cac itself keeps --version from the help of each command. */
function showHelp(program: CAC): void {
  program.option("--licenses", "the licences of porthop and of all that is in it");
  program.outputHelp();
}

function porthop(): CAC {
  const program = cac("porthop");
  for (const entry of commandTable) addCommand(program, entry);
  program.usage("<command> [flags]");
  addExamples(program, ["porthop wizard", "porthop demo", "porthop run -L 8080:localhost:80 alice@server"]);
  program.option("-h, --help", "this help; behind a command, the help of that command");
  program.option("--version", "version, runtime and platform");
  program.globalCommand.versionNumber = version;
  program.globalCommand.helpCallback = (sections) => laidOutHelp(sections);
  return program;
}

function addCommand(program: CAC, entry: CommandEntry): void {
  const { name, words, about, usage, examples, letters = [], flags = [] } = entry;
  const command = program.command(words === undefined ? name : `${name} ${words}`, about);
  if (usage !== undefined) command.usage(`${name} ${usage}`);
  addExamples(command, examples);
  for (const flag of letters) addFlag(command, "-", flag);
  for (const flag of flags) addFlag(command, "--", flag);
}

function addExamples(to: CAC | Command, examples: readonly string[]): void {
  for (const example of examples) to.example(`  ${example}`);
}

function addFlag(command: Command, dashes: "-" | "--", { name, value, about }: RunFlag): void {
  if (name === "h" || name === "help") return;
  command.option(`${dashes}${name}${value === undefined ? "" : ` <${value}>`}`, about);
  // cac takes --no-x for the opposite of an --x that is on, and would say so.
  const config = command.options.at(-1)?.config;
  if (config !== undefined) delete config.default;
}
