/**
 * The commands as a table: name, purpose, flags and examples of each. The help of porthop and of each command is made
 * from this table, in the order of the table. Each command's code is loaded when the command is run, so that no command
 * waits for the code of another.
 */
import { checkFlags, porthopFlags, type RunFlag, relayFlags, sshFlags } from "../config/run-flags.ts";
import { commandFlags, explainFlags } from "./print-flags.ts";

/** The action of a command that reads its words itself, as ssh does. Resolves with the exit code. */
export type SshAction = (words: readonly string[], showHelp: () => void) => Promise<number>;

/**
 * The action of a command whose words cac reads. `words` holds the words that are no flags, `options` the flags by
 * name, with `true` for a flag without a value. Resolves with the exit code.
 */
export type Action = (words: readonly string[], options: Options) => Promise<number>;

export type Options = Readonly<Record<string, string | true | undefined>>;

export type CommandEntry = CommandFacts &
  ({ readonly takesSshWords: true; readonly act: SshAction } | { readonly takesSshWords: false; readonly act: Action });

interface CommandFacts {
  readonly name: string;
  /**
   * The words after the name in the list of commands. Where cac reads the words, this text
   * also says how many there may be.
   */
  readonly words?: string;
  readonly about: string;
  /** The words after the name in the command's own help, where there are more of them than in `words`. */
  readonly usage?: string;
  readonly examples: readonly string[];
  /** The flags with one dash. */
  readonly letters?: readonly RunFlag[];
  /** The flags with two dashes. */
  readonly flags?: readonly RunFlag[];
}

/** The end of the usage line of commands that take the flags of run, but list only their own flags. */
const seeRun = "\n\n  The flags of run: porthop run --help";

export const commandTable: readonly CommandEntry[] = [
  {
    name: "run",
    words: "[user@]host[:port]",
    about: "run forwards until Ctrl-C",
    takesSshWords: true,
    act: async (words, showHelp) => (await import("./run-command.ts")).run(words, showHelp),
    usage: "[flags] -L [bind:]port:host:hostport [user@]host[:port]",
    examples: [
      "porthop run -L 8080:localhost:80 alice@server",
      "porthop run -L 5432:db.internal:5432 --capture out.pcapng alice@server",
      "porthop run -p 2222 -L 8443:intranet:443 --rate-limit 4MB/s alice@server",
    ],
    letters: sshFlags,
    flags: porthopFlags,
  },
  {
    name: "wizard",
    about: "ask what you want, explain it, make the ssh command, run it",
    takesSshWords: false,
    act: async () => (await import("./wizard-command.ts")).wizard(),
    examples: ["porthop wizard"],
  },
  {
    name: "command",
    words: "[as run]",
    about: "print the ssh command that does the same, and nothing else",
    takesSshWords: true,
    act: async (words, showHelp) => (await import("./print-command.ts")).command(words, showHelp),
    usage: `[flags] [flags of run] [user@]host[:port]${seeRun}`,
    examples: [
      "porthop command -L 8080:localhost:80 alice@server:2222",
      "porthop command --format systemd -D 1080 alice@server",
      'porthop command --format config "ssh -L 5432:db.internal:5432 alice@server"',
    ],
    flags: commandFlags,
  },
  {
    name: "explain",
    words: "[as run]",
    about: "say what a command does: a picture, who connects where, mistakes",
    takesSshWords: true,
    act: async (words, showHelp) => (await import("./explain-command.ts")).explain(words, showHelp),
    usage: `"ssh ..." | explain [flags of run] [user@]host[:port]${seeRun}`,
    examples: [
      'porthop explain "ssh -R 8080:localhost:3000 alice@server"',
      "porthop explain -L 5432:db.internal:5432 -J bastion alice@server",
    ],
    flags: explainFlags,
  },
  {
    name: "check",
    words: "[user@]host[:port]",
    about: "try all that run would do, leg by leg, and say what fails",
    takesSshWords: true,
    act: async (words, showHelp) => (await import("./check-command.ts")).check(words, showHelp),
    usage: "[flags of run] [user@]host[:port]",
    examples: [
      "porthop check alice@server",
      "porthop check -L 5432:db.internal:5432 -R 8080:localhost:3000 alice@server",
      "porthop check --json -J gate -D 1080 alice@server",
    ],
    letters: sshFlags,
    flags: checkFlags,
  },
  {
    name: "relay",
    about: "forward without ssh, through the same chain, until Ctrl-C",
    takesSshWords: true,
    act: async (words, showHelp) => (await import("./relay-command.ts")).relay(words, showHelp),
    usage: "[flags] -L [bind:]port:host:hostport",
    examples: [
      "porthop relay -L 8080:intranet:80",
      "porthop relay -L '*:8080:intranet:80' --allow-from 10.0.0.0/8",
      "porthop relay -L 5432:/run/postgresql/.s.PGSQL.5432",
    ],
    letters: relayFlags.short,
    flags: relayFlags.long,
  },
  {
    name: "demo",
    about: "see it work: an sshd and a web server of its own, a forward, a capture",
    takesSshWords: false,
    act: async (_, { keep, capture }) => {
      const { demo } = await import("./demo-command.ts");
      return demo({ keep: keep === true, capture: capture === true ? undefined : capture });
    },
    examples: ["porthop demo", "porthop demo --keep"],
    flags: [
      { name: "keep", about: "leave it running to play with, until Ctrl-C" },
      { name: "capture", value: "FILE", about: "where the capture goes (a file in the temp folder by default)" },
    ],
  },
  {
    name: "plugins",
    words: "[...name]",
    about: "list the plugins and their options",
    takesSshWords: false,
    act: async (names) => (await import("./plugins-command.ts")).listPlugins(names),
    examples: ["porthop plugins", "porthop plugins limit"],
  },
];
