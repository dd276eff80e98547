/**
 * The commands, registered with cac, which finds the one that is meant and lays out the help.
 * Their words are not cac's to read: it turns `-l 007` into the number 7 and knows nothing of ssh's grouped flags. They
 * pass behind a `--` and are read by codec/argv.ts.
 */
import { type CAC, type Command, cac } from "cac";
import { didYouMean } from "../codec/nearest.ts";
import { quoted } from "../codec/terminal-text.ts";
import { relayFlags } from "../config/relay-settings.ts";
import { porthopFlags, type RunFlag, sshFlags } from "../config/run-flags.ts";
import { PorthopError } from "../errors.ts";
import { check } from "./check.ts";
import { command, commandFlags } from "./command.ts";
import { demo } from "./demo.ts";
import { explain, explainFlags } from "./explain.ts";
import { laidOutHelp } from "./help-layout.ts";
import { listPlugins } from "./plugins.ts";
import { relay } from "./relay.ts";
import { run } from "./run.ts";
import { version, versionLine } from "./version.ts";
import { wizard } from "./wizard.ts";

/** Of commands that take what run takes and list only what is their own. */
const seeRun = "\n\n  The flags of run: porthop run --help";

type Action = (words: readonly string[], showHelp: () => void) => Promise<number>;

export async function execute(argv: readonly string[]): Promise<number> {
  const [name, ...words] = argv;
  const { program, actions } = register();
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
  const action = actions.get(name);
  if (action === undefined) {
    throw new PorthopError("usage", `there is no command ${quoted(name)}${didYouMean(name, actions.keys())}`);
  }
  program.parse(["", "porthop", name, "--", ...words], { run: false });
  return action(program.options["--"] as string[], () => program.outputHelp());
}

/** cac itself keeps --version from the help of each command. */
function showHelp(program: CAC): void {
  program.option("--licenses", "the licences of porthop and of all that is in it");
  program.outputHelp();
}

function register(): { readonly program: CAC; readonly actions: ReadonlyMap<string, Action> } {
  const program = cac("porthop");
  const actions = new Map<string, Action>();
  const add = (name: string, about: string, action: Action): Command => {
    actions.set(name.split(" ")[0] ?? name, action);
    return program.command(name, about);
  };
  const runCommand = add("run [user@]host[:port]", "run forwards until Ctrl-C", run)
    .usage("run [flags] -L [bind:]port:host:hostport [user@]host[:port]")
    .example("  porthop run -L 8080:localhost:80 alice@server")
    .example("  porthop run -L 5432:db.internal:5432 --capture out.pcapng alice@server")
    .example("  porthop run -p 2222 -L 8443:intranet:443 --rate-limit 4MB/s alice@server");
  addOptions(runCommand, sshFlags, porthopFlags);
  add("wizard", "ask what you want, explain it, make the ssh command, run it", wizard).example("  porthop wizard");
  addOptions(
    add("command [as run]", "print the ssh command that does the same, and nothing else", command)
      .usage(`command [flags] [flags of run] [user@]host[:port]${seeRun}`)
      .example("  porthop command -L 8080:localhost:80 alice@server:2222")
      .example("  porthop command --format systemd -D 1080 alice@server")
      .example('  porthop command --format config "ssh -L 5432:db.internal:5432 alice@server"'),
    [],
    commandFlags,
  );
  addOptions(
    add("explain [as run]", "say what a command does: a picture, who connects where, mistakes", explain)
      .usage(`explain "ssh ..." | explain [flags of run] [user@]host[:port]${seeRun}`)
      .example('  porthop explain "ssh -R 8080:localhost:3000 alice@server"')
      .example("  porthop explain -L 5432:db.internal:5432 -J bastion alice@server"),
    [],
    explainFlags,
  );
  const checkCommand = add(
    "check [user@]host[:port]",
    "try all that run would do, leg by leg, and say what fails",
    check,
  )
    .usage("check [flags of run] [user@]host[:port]")
    .example("  porthop check alice@server")
    .example("  porthop check -L 5432:db.internal:5432 -R 8080:localhost:3000 alice@server")
    .example("  porthop check --json -J gate -D 1080 alice@server");
  addOptions(checkCommand, sshFlags, porthopFlags);
  const relayCommand = add("relay", "forward without ssh, through the same chain, until Ctrl-C", relay)
    .usage("relay [flags] -L [bind:]port:host:hostport")
    .example("  porthop relay -L 8080:intranet:80")
    .example("  porthop relay -L '*:8080:intranet:80' --allow-from 10.0.0.0/8")
    .example("  porthop relay -L 5432:/run/postgresql/.s.PGSQL.5432");
  addOptions(relayCommand, relayFlags.short, relayFlags.long);
  addOptions(
    add("demo", "see it work: an sshd and a web server of its own, a forward, a capture", demo)
      .example("  porthop demo")
      .example("  porthop demo --keep"),
    [],
    [
      { name: "keep", about: "leave it running to play with, until Ctrl-C" },
      { name: "capture", value: "FILE", about: "where the capture goes (a file in the temp folder by default)" },
    ],
  );
  add("plugins [name]", "list the plugins and their options", listPlugins)
    .example("  porthop plugins")
    .example("  porthop plugins limit");
  program.usage("<command> [flags]");
  program.example("  porthop wizard");
  program.example("  porthop demo");
  program.example("  porthop run -L 8080:localhost:80 alice@server");
  program.option("-h, --help", "this help; behind a command, the help of that command");
  program.option("--version", "version, runtime and platform");
  program.globalCommand.versionNumber = version;
  program.globalCommand.helpCallback = (sections) => laidOutHelp(sections);
  return { program, actions };
}

function addOptions(command: Command, short: readonly RunFlag[], long: readonly RunFlag[]): void {
  const rows = [...short.map((flag) => ({ ...flag, dash: "-" })), ...long.map((flag) => ({ ...flag, dash: "--" }))];
  for (const { name, value, about, dash } of rows) {
    if (name === "h" || name === "help") continue;
    command.option(`${dash}${name}${value === undefined ? "" : ` <${value}>`}`, about);
    // cac takes --no-x for the opposite of an --x that is on, and would say so.
    const config = command.options.at(-1)?.config;
    if (config !== undefined) delete config.default;
  }
}
