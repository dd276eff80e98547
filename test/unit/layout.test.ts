/**
 * Holds the house rules (one-way imports, who may touch sockets, ssh2 and the terminal, the shape of a file) on the source
 * itself. Each rule is first shown to find a made-up offender, so that none of them can pass by seeing nothing.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../kit/runtime.ts";
import {
  filesBelow,
  type Import,
  importsOf,
  linesWith,
  partOf,
  type SourceFile,
  sourceFiles,
  withoutComments,
} from "../kit/source-file.ts";

const files = [...sourceFiles("src"), ...sourceFiles("plugins")];

/** What each part of src/ may import besides itself. One way only: nothing that is above it, nor beside it. */
const core = ["plugin.ts", "errors.ts", "codec", "text"];
const carriers = ["io", "config", "tunnel", "flow", ...core];
const mayImport: Readonly<Record<string, readonly string[]>> = {
  text: [],
  codec: ["text"],
  "errors.ts": ["codec", "text"],
  plugin: ["errors.ts", "codec", "text"],
  "plugin.ts": ["plugin", "errors.ts", "codec", "text"],
  flow: core,
  tunnel: core,
  io: ["flow", ...core],
  config: ["tunnel", "flow", ...core],
  // The TCP connection to sshd is a dial like any other, and a channel is a stream like a socket.
  ssh: ["io", "flow", ...core],
  forward: ["ssh", ...carriers],
  wizard: ["ssh", ...carriers],
  inspect: ["ssh", ...carriers],
  // The demo is a tunnel of our own to a server of our own.
  demo: ["forward", "ssh", ...carriers],
  // A tunnel with nothing behind it, for whoever tests a plugin.
  "plugin-kit": ["flow", ...core],
  "plugin-kit.ts": ["plugin-kit", "forward", "flow", ...core],
  // What build.ts makes of it belongs to no command.
  packaging: [],
  cli: ["packaging", "wizard", "inspect", "demo", "forward", "ssh", ...carriers],
  "main.ts": ["cli"],
};

const importExceptions: Readonly<Record<string, string>> = {
  "src/cli/version.ts -> package.json": "the one place where the version is written",
};

rule(
  "Imports go one way only: main -> cli -> wizard, inspect, demo, forward -> ssh, io, config -> flow, tunnel -> plugin, errors -> codec -> text.",
  (file) => importsOf(file).flatMap((each) => againstTheWay(file, each)),
  {
    "src/codec/capture/frame.ts": 'import { PorthopError } from "../../errors.ts";',
    "src/errors.ts": 'import type { Flow } from "./plugin.ts";',
    "src/flow/half.ts": 'import {\n  type Socket,\n} from "../io/listen.ts";',
    "src/config/file/keyword.ts": 'export * from "../../ssh/session.ts";',
    "src/io/listen.ts": 'const ssh = await import("../ssh/session.ts");',
    "src/wizard/steps.ts": 'import "../forward/tunnel.ts";',
    "src/inspect/store.ts": 'import { demo } from "../demo/demo.ts";',
    "src/main.ts": 'import { carry } from "./flow/relay.ts";',
    "src/cli/run-command.ts": 'import { run } from "../kit/run.ts";',
  },
);

function againstTheWay(file: SourceFile, { file: target }: Import): string[] {
  const own = partOf(file.path);
  if (own === undefined || target === undefined || target.startsWith("plugins/")) return [];
  const other = partOf(target);
  if (other === own || `${file.path} -> ${target}` in importExceptions) return [];
  if (other !== undefined && mayImport[own]?.includes(other)) return [];
  return [`imports ${target}: ${own} may import ${["itself", ...(mayImport[own] ?? [])].join(", ")} and nothing else`];
}

rule(
  "src/ has the parts that the house has, and no others.",
  ({ path }) => {
    const part = partOf(path);
    return part === undefined || part in mayImport
      ? []
      : [`${part} is no part of the house: ${Object.keys(mayImport).join(", ")}`];
  },
  { "src/utils/strings.ts": "", "src/helpers.ts": "" },
);

rule(
  "Plugins import src/plugin.ts, src/codec/, src/text/, node's own modules and their own folder, and nothing else.",
  (file) => {
    if (!file.path.startsWith("plugins/")) return [];
    const own = `plugins/${file.path.split("/")[1]?.replace(/\.ts$/, "")}`;
    const allowed = ({ from, file: target }: Import) =>
      target === undefined
        ? from.startsWith("node:")
        : /^src\/(plugin\.ts$|codec\/|text\/)/.test(target) || target.startsWith(`${own}/`);
    return importsOf(file)
      .filter((each) => !allowed(each))
      .map(({ from }) => `imports ${from}: what a plugin cannot do through src/plugin.ts, the contract lacks`);
  },
  {
    "plugins/log.ts": 'import { PorthopError } from "../src/errors.ts";',
    "plugins/limit.ts": 'import { Track } from "./capture/track.ts";',
    "plugins/capture/track.ts": 'import { carry } from "../../src/flow/carry.ts";',
    "plugins/capture.ts": 'import pc from "picocolors";',
  },
);

rule(
  "forward/plan/plugin-list.ts is the one place that imports plugins.",
  (file) => {
    if (file.path.startsWith("plugins/") || file.path === "src/forward/plan/plugin-list.ts") return [];
    return importsOf(file)
      .filter(({ file: target }) => target?.startsWith("plugins/"))
      .map(({ from }) => `imports ${from}: only src/forward/plan/plugin-list.ts knows the built-in plugins`);
  },
  {
    "src/cli/plugins-command.ts": 'import log from "../../plugins/log.ts";',
    "src/forward/tunnel.ts": 'import("../../plugins/log.ts")',
  },
);

const socketModules = /^node:(net|tls|stream|dgram)(\/|$)/;
const noSocket = new Set(["isIP", "isIPv4", "isIPv6"]);

rule(
  "Only src/io touches sockets and streams; types, and isIP, are free.",
  (file) => {
    if (partOf(file.path) === "io") return [];
    const harmless = ({ typesOnly, names }: Import) => typesOnly || names?.every((name) => noSocket.has(name));
    return importsOf(file)
      .filter((each) => socketModules.test(each.from) && !harmless(each))
      .map(({ from }) => `imports ${from}: only src/io opens sockets and holds streams`);
  },
  {
    "src/forward/tunnel.ts": 'import { connect, isIP } from "node:net";',
    "src/ssh/session.ts": 'import net from "node:net";',
    "plugins/log.ts": 'import { pipeline } from "node:stream/promises";',
    "src/demo/demo.ts": 'import * as tls from "node:tls";',
  },
);

rule(
  "Only src/ssh knows ssh2.",
  (file) => {
    if (partOf(file.path) === "ssh") return [];
    return importsOf(file)
      .filter(({ from }) => from === "ssh2" || from.startsWith("ssh2/"))
      .map(({ from }) => `imports ${from}: only src/ssh knows ssh2`);
  },
  { "src/forward/tunnel.ts": 'import type { Client } from "ssh2";', "src/io/dial.ts": 'import "ssh2/lib/Channel.js";' },
);

const insides = "src/ssh/ssh2/";
const views = ["view.ts", "exchange-view.ts", "view-check.ts"].map((name) => `${insides}${name}`);

rule(
  "Only src/ssh/ssh2 knows ssh2's insides: the rest of src/ssh has its ports.",
  (file) => {
    if (partOf(file.path) !== "ssh" || file.path.startsWith(insides)) return [];
    const inner = importsOf(file)
      .filter(({ from, file: target }) => from.startsWith("ssh2/lib/") || views.includes(target ?? ""))
      .map(({ from }) => `imports ${from}: what is needed of ssh2's insides is a port in ${insides}`);
    // A parameter that is not used is written so too, and is no access.
    const access =
      /\._[A-Za-z]|\["_[A-Za-z]|"_[A-Za-z]\w*" in |[{,] *_[A-Za-z]\w*\??: |^\s+(readonly )?_[A-Za-z]\w*\??:.*;$/;
    return [...inner, ...linesWith(file.text, access).map((line) => `${line}: a private field of ssh2's`)];
  },
  {
    "src/ssh/login.ts": "const version = client._remoteVer;",
    "src/ssh/session.ts": "const { _protocol: protocol } = client;",
    "src/ssh/unsent-answers.ts": 'client["_protocol"].ping();',
    "src/ssh/channel/locator.ts": "interface Hidden {\n  readonly _protocol: unknown;\n}",
    "src/ssh/trust.ts": 'import kex from "ssh2/lib/protocol/kex.js";',
    "src/ssh/host/host-keys.ts": 'import type { ClientView } from "../ssh2/view.ts";',
  },
);

rule(
  "Only src/ssh/ssh2 takes a thing for what its types deny.",
  ({ path, text }) =>
    path.startsWith(insides)
      ? []
      : linesWith(text, /\bas (unknown|any) as\b/).map((line) => `${line}: a type that is not true is no type`),
  {
    "src/ssh/login.ts": "const view = client as unknown as ClientView;",
    "plugins/log.ts": "const host = wire as any as Host;",
  },
);

const failureFiles = ["ssh-failure.ts", "handshake-failure.ts", "ssh2/inbound-fault.ts"].map(
  (name) => `src/ssh/${name}`,
);

rule(
  "Only src/ssh/ssh-failure.ts and what belongs to it reads what ssh2's errors say.",
  ({ path, text }) => {
    if (partOf(path) !== "ssh" || failureFiles.includes(path)) return [];
    const reading =
      /\.level\b|\blevel\?: |\bmessage\)?\.(endsWith|startsWith|includes|match|search|replace)\(|\.test\([\w.]*message\)/;
    return linesWith(text, reading).map((line) => `${line}: what an error of ssh2's means is said in ssh-failure.ts`);
  },
  {
    "src/ssh/login.ts": 'if (error.level === "agent") return;',
    "src/ssh/session.ts": "const { level } = error as { level?: string };",
    "src/ssh/channel/session-channel.ts": 'error.message.replace(/^\\(SSH\\) /, "")',
    "src/ssh/ssh2/key-exchange.ts": 'error.message.endsWith("no matching key")',
    "src/ssh/login/private-key.ts": "if (/passphrase/.test(error.message)) return;",
  },
);

const keywordFiles = ["src/config/file/keyword.ts", "src/config/file/keyword-record.ts"];
/** A value written where a keyword is read: `flag("BatchMode", false)`, `time("ConnectTimeout") ?? 30_000`. */
const keywordFallback = /\.flag\("\w+", (true|false)\)|\("[A-Z]\w*"\) (\?\?|\|\|) ("[^"]|\d)/;

rule(
  "Only src/config reads keywords by name: everybody else gets typed values, their defaults filled in.",
  (file) => {
    if (partOf(file.path) === "config") return [];
    const imports = importsOf(file)
      .filter(({ file: target }) => keywordFiles.includes(target ?? ""))
      .map(({ from }) => `imports ${from}: what a keyword means is said in src/config`);
    // A keyword's name begins with a capital letter; what is in a variable is read of something called keywords.
    const reading = "(text|flag|number|octal|time|list|all|isBefore|placeOf|placesOf)\\(";
    const access = new RegExp(`\\.${reading}"[A-Z]|\\b[kK]eywords\\??\\.${reading}`);
    return [...imports, ...linesWith(file.text, access).map((line) => `${line}: reads a keyword by its name`)];
  },
  {
    "src/forward/plan/tunnel-plan.ts": 'const port = settings.keywords.number("Port");',
    "src/ssh/trust.ts": 'const strict = own.text("StrictHostKeyChecking") ?? "ask";',
    "src/cli/check-command.ts": "const isBatch = keywords.flag(batchMode, false);",
    "src/forward/plan/way-plan.ts": "const place = settings.keywords.placeOf(keyword);",
    "src/wizard/saved-host.ts": 'import type { Keyword } from "../config/file/keyword.ts";',
    "src/forward/plan/relay-plan.ts": 'import type { Keywords } from "../../config/file/keyword-record.ts";',
  },
);

rule(
  "What holds when nobody says otherwise stands in src/config/defaults.ts.",
  ({ path, text }) => {
    const part = partOf(path) ?? "";
    if (!["config", "forward", "ssh", "io", "wizard"].includes(part) || path === "src/config/defaults.ts") return [];
    // In place of a keyword a name stands; elsewhere no setting has a fallback that is a port, a count or a time.
    const fallback = part === "config" ? keywordFallback : /\?\? (0o)?[1-9][\d_]*\b/;
    return linesWith(text, fallback).map((line) => `${line}: a default of its own`);
  },
  {
    "src/forward/plan/tunnel-plan.ts": "const port = destination.port ?? 22;",
    "src/ssh/login/authentication.ts": "prompts: settings.passwordPrompts ?? 3,",
    "src/io/listen-unix.ts": "await bind(server, path, options.mask ?? 0o177);",
    "src/config/run-settings.ts": 'const opens = keywords.flag("GatewayPorts", false);',
    "src/config/trust-settings.ts": 'const strict = keywords.text("StrictHostKeyChecking") ?? "ask";',
    "src/config/session-settings.ts": 'const intervalMs = keywords.time("ServerAliveInterval") ?? 30_000;',
  },
);

rule(
  "Nobody in src/forward keeps a session: who needs one asks the uplink.",
  (file) => {
    if (partOf(file.path) !== "forward" || file.path.startsWith("src/forward/uplink/")) return [];
    const made = importsOf(file)
      .filter(({ file: target, typesOnly }) => /^src\/ssh\/(session|route)\.ts$/.test(target ?? "") && !typesOnly)
      .map(({ from }) => `imports ${from}: only src/forward/uplink makes sessions`);
    return [
      ...made,
      ...linesWith(file.text, /#\w+[?!]?: .*\bSession\b|#\w*[sS]ession\b/).map((line) => `${line}: keeps a session`),
    ];
  },
  {
    "src/forward/check/check.ts": 'import { Route } from "../../ssh/route.ts";',
    "src/forward/tunnel.ts": "class Tunnel {\n  #session: Session | undefined;\n}",
    "src/forward/flows.ts": "class Flows {\n  readonly #carrier: Session;\n}",
  },
);

rule(
  "Only src/cli makes a bus, and the test kit for its made-up tunnel: whoever runs under it tells what happens on that one.",
  ({ path, text }) =>
    partOf(path) === "cli" || path === "src/plugin-kit.ts"
      ? []
      : linesWith(text, /\bnew Bus\(/).map((line) => `${line}: a bus of its own, that nobody else hears`),
  { "src/forward/tunnel.ts": "const bus = new Bus();" },
);

rule(
  "Only src/cli writes to the terminal.",
  ({ path, text }) => {
    // main.ts says the version before it loads anything of cli that writes.
    if (partOf(path) === "cli" || path === "src/main.ts") return [];
    return linesWith(text, /\bprocess\.(stdout|stderr)\b|\bconsole\s*[.[]/).map(
      (line) => `${line}: only src/cli writes to the terminal`,
    );
  },
  { "src/flow/chain.ts": 'console.log("x");', "plugins/log.ts": 'process.stderr.write("x");' },
);

rule(
  "No runtime's own globals: Bun, Deno and Node run the source as it is.",
  ({ text }) =>
    linesWith(text, /\b(Bun|Deno)\s*\??\.?\s*[.[]|\btypeof (Bun|Deno)\b/).map(
      (line) => `${line}: no Bun and no Deno globals`,
    ),
  { "src/io/dial.ts": "const socket = await Bun.connect({});", "plugins/log.ts": 'Deno["exit"](1);' },
);

rule(
  "Each file begins with a comment of 1 to 5 lines that says what it is.",
  ({ text }) => {
    const [, comment] = /^(?:#![^\n]*\n)?\/\*\*([\s\S]*?)\*\//.exec(text) ?? [];
    if (comment === undefined) return ["does not begin with a doc comment"];
    const lines = comment.split("\n").filter((line) => line.replace(/^\s*\*?\s*/, "") !== "");
    return lines.length >= 1 && lines.length <= 5 ? [] : [`begins with a comment of ${lines.length} lines, not 1 to 5`];
  },
  {
    "src/io/dial.ts": 'import net from "node:net";\n/** Late. */',
    "src/io/listen.ts": `/**\n${" * A line.\n".repeat(6)} */`,
    "src/io/socket-failure.ts": "/** */",
    "src/io/port-holder.ts": "// Not for readers of the docs.",
  },
);

const mostLines = 300;

rule(
  `No file is longer than ${mostLines} lines.`,
  ({ text }) => {
    const lines = text.trimEnd().split("\n").length;
    return lines <= mostLines ? [] : [`has ${lines} lines, more than ${mostLines}: look for the second idea in it`];
  },
  { "src/io/dial.ts": "x;\n".repeat(mostLines + 1) },
);

rule(
  "Files and folders are named in kebab-case, with full words.",
  ({ path }) => {
    const words = path.replace(/\.ts$/, "").split("/");
    const wrong = words.filter(
      (word) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(word) || /(^|-)(utils?|helpers?|managers?|misc|index)$/.test(word),
    );
    return wrong.map((word) => `"${word}" is no name for what it holds: kebab-case, a noun that says it`);
  },
  {
    "src/io/streamConn.ts": "",
    "src/flow/Flow.ts": "",
    "src/Codec/frame.ts": "",
    "src/flow/flow-utils.ts": "",
    "src/io/index.ts": "",
  },
);

allRule(
  "No two source files have one name, whatever their folders.",
  (all) =>
    twice(
      all.map(({ path }) => [path, path.split("/").at(-1) ?? ""]),
      "is the name of another file too: say what this one is in a word more",
    ),
  { "src/cli/check.ts": "", "src/forward/check/check.ts": "" },
);

const exported = /^export (?:default )?(?:async |abstract )?(?:interface|type|class|function\*?|const|let) (\w+)/gm;

allRule(
  "No two files export one name, be it a type's, a function's or a value's.",
  (all) =>
    twice(
      all.flatMap(({ path, text }) =>
        [...withoutComments(text).matchAll(exported)].map(([, name = ""]): [string, string] => [path, name]),
      ),
      "is exported by another file too: one meaning, one name; where it is one meaning, import it",
    ),
  {
    "src/plugin.ts": 'export type Direction = "up" | "down";',
    "src/codec/capture/tcp-conversation.ts": "export interface Direction {}",
    "src/cli/explain-command.ts": "export async function explain() {}",
    "src/tunnel/explanation.ts": "export const explain = () => {};",
  },
);

rule(
  "Nothing is left to be done.",
  ({ text }) => linesWith(text, /\b(TODO|FIXME|XXX|HACK)\b/, false).map((line) => `${line}: do it, or leave it out`),
  { "src/io/dial.ts": "// TODO: IPv6" },
);

/** Files without a test of their own name, and why. */
const untested: Readonly<Record<string, string>> = {
  "src/plugin.ts": "types, and definePlugin, which gives back what it was given",
  "src/flow/conn.ts": "types only",
  "src/flow/event.ts": "types only",
  "src/flow/telling.ts": "types only",
  "src/ssh/login/auth-method.ts": "types only",
  "src/ssh/prompter.ts": "types only",
  "src/codec/capture/block-space.ts": "types only",
  "src/codec/malformed.ts": "a class with no code of its own",
  "src/main.ts": "joins argv and cli; every end-to-end test runs it",
  "src/cli/background.ts": "starts the program anew; test/e2e/background.test.ts does it with the executable",
  "src/cli/own-command.ts":
    "what started this process; test/e2e/background.test.ts and fresh-start.test.ts start it so again",
  "src/cli/fresh-start.ts": "replaces the process; test/e2e/fresh-start.test.ts looks at the one that takes its place",
  "src/cli/until-exit.ts": "joins argv, commands and exit code, and ends the process; every end-to-end test runs it",
  "src/cli/terminal.ts": "sets a real terminal; test/e2e/terminal.test.ts looks at one before, while and after",
  "src/cli/wizard-command.ts": "asks at a terminal; test/e2e/wizard.test.ts plays it in one",
  "src/cli/wizard/prompts.ts": "draws on a terminal; test/e2e/wizard.test.ts looks at it",
  "src/cli/wizard/lines.ts": "writes to a dumb terminal; test/e2e/wizard.test.ts looks at it",
  "src/cli/wizard/finish.ts": "does what was picked at a terminal; test/e2e/wizard.test.ts picks each thing",
  "src/cli/wizard/save.ts": "asks at a terminal; test/e2e/wizard-save.test.ts looks at the file afterwards",
  "src/codec/session/terminal-size.ts": "types only",
  "src/ssh/ssh2/exchange-view.ts": "types only",
  "src/ssh/ssh2/ports.ts": "types only",
  "src/ssh/ssh2/view.ts": "types, and two lists of their names that sending.test.ts and view-check.test.ts go through",
  "src/ssh/loader.ts": "what ssh2 is loaded with; every test with a session runs it, algorithms.test.ts end to end",
  "src/ssh/ssh2/loading.ts":
    "loads ssh2 and extends it; every test with a session runs it, algorithms.test.ts end to end",
};

test("Each source file has a test of its own name in test/unit or test/process.", () => {
  const missing = files
    .filter(({ path }) => !(path in untested) && !hasTest(path))
    .map(({ path }) => `${path}: has no ${testOf(path)}, and no reason why not in the list of layout.test.ts`);
  none(missing);
});

test("The list of untested files holds no file that has a test, is gone, or has got code since.", () => {
  const stale = Object.entries(untested).flatMap(([path, why]) => {
    const file = files.find((each) => each.path === path);
    if (file === undefined) return [`${path}: is in the list of untested files, and is gone`];
    if (hasTest(path)) return [`${path}: is in the list of untested files, and has a test`];
    const hasCode = /^(export )?(default |async |abstract )*(function|class|const|let)\b/m.test(
      withoutComments(file.text),
    );
    return why === "types only" && hasCode
      ? [`${path}: is in the list of untested files for having types only, and has code`]
      : [];
  });
  none(stale);
});

test("Each exception from the ways of import is still made use of.", () => {
  const made = new Set(files.flatMap((file) => importsOf(file).map((each) => `${file.path} -> ${each.file}`)));
  const stale = Object.keys(importExceptions).filter((exception) => !made.has(exception));
  none(stale.map((each) => `${each}: is allowed, and not done`));
});

test("Each unit test is named after a source file, and so is each test of one file that starts processes.", () => {
  const sources = new Set(files.flatMap(({ path }) => places.map((place) => testOf(path, place))));
  const strays = [...filesBelow("test/unit"), ...filesBelow("test/process")]
    .filter((path) => !/^test\/(unit|process)\/kit\//.test(path) && path !== "test/unit/layout.test.ts")
    // They run the samples of plugins/README.md.
    .filter((path) => !/^test\/(unit|process)\/plugins\/readme\.test\.ts$/.test(path))
    // This one looks at README.md and the chapters beside the source.
    .filter((path) => path !== "test/unit/readme.test.ts")
    // capture-file.tools.test.ts is a second test of capture-file.ts.
    .filter((path) => !sources.has(path.replace(/\.[a-z-]+\.test\.ts$/, ".test.ts")));
  none(strays.map((path) => `${path}: there is no source file of this name`));
});

test("No unit test can start a process: none imports node:child_process, itself or by way of the kit.", () => {
  const kit = new Map(sourceFiles("test/kit").map((file) => [file.path, file]));
  const made = (text: string): SourceFile => ({ path: "test/unit/flow/made-up.test.ts", text });
  const processes = "child_process";
  for (const text of [
    `import { spawn } from "node:${processes}";`,
    `const { exec } = await import("${processes}");`,
    'import { run } from "../../kit/run.ts";',
    'import { builtExecutable } from "../../kit/executable.ts";',
    'import { startSshd } from "../../kit/sshd.ts";',
  ]) {
    assert.notEqual(wayToProcesses(made(text), kit), undefined, `the rule does not see the made-up offender ${text}`);
  }
  assert.equal(wayToProcesses(made('import type { Ran } from "../../kit/run.ts";'), kit), undefined);
  const ways = sourceFiles("test/unit").map((file) => wayToProcesses(file, kit));
  none(ways.flatMap((way) => (way === undefined ? [] : [`${way.join(" -> ")}: this test belongs in test/process`])));
});

/** The files by which this one comes to start processes, itself first, or undefined when it does not. */
function wayToProcesses(
  file: SourceFile,
  kit: ReadonlyMap<string, SourceFile>,
  seen = new Set<string>(),
): string[] | undefined {
  seen.add(file.path);
  for (const { from, file: target, typesOnly } of importsOf(file)) {
    if (typesOnly) continue;
    if (/^(node:)?child_process$/.test(from)) return [file.path, from];
    const next = kit.get(target ?? "");
    if (next === undefined || seen.has(next.path)) continue;
    const way = wayToProcesses(next, kit, seen);
    if (way !== undefined) return [file.path, ...way];
  }
  return undefined;
}

/** The tests of one source file: those that start no process, and those that do. */
const places = ["unit", "process"] as const;

function hasTest(path: string): boolean {
  return places.some((place) => existsSync(join(projectRoot, testOf(path, place))));
}

function testOf(path: string, place: (typeof places)[number] = "unit"): string {
  return `test/${place}/${path.replace(/^src\//, "").replace(/\.[cm]?[jt]s$/, ".test.ts")}`;
}

/** One rule for all files, shown on each of the offenders to be one that can be broken. */
function rule(
  title: string,
  breaches: (file: SourceFile) => string[],
  offenders: Readonly<Record<string, string>>,
): void {
  test(title, () => {
    for (const [path, text] of Object.entries(offenders)) {
      assert.notEqual(
        breaches({ path, text }).length,
        0,
        `the rule does not see the made-up offender ${path}: ${text}`,
      );
    }
    const found = files.flatMap((file) => breaches(file).map((breach) => `${file.path}: ${breach} [${title}]`));
    none(found);
  });
}

/** One rule about what files have together, shown on offenders that break it together and not alone. */
function allRule(
  title: string,
  breaches: (all: readonly SourceFile[]) => string[],
  offenders: Readonly<Record<string, string>>,
): void {
  test(title, () => {
    const made = Object.entries(offenders).map(([path, text]) => ({ path, text }));
    assert.equal(breaches(made).length, made.length, "the rule does not see the made-up offenders");
    for (const one of made) assert.deepEqual(breaches([one]), []);
    none(breaches(files).map((breach) => `${breach} [${title}]`));
  });
}

/** Each file and name of which another file has the same. */
function twice(named: readonly (readonly [path: string, name: string])[], what: string): string[] {
  return named
    .filter(([path, name]) => named.some(([otherPath, otherName]) => otherPath !== path && otherName === name))
    .map(([path, name]) => `${path}: ${name} ${what}`);
}

function none(found: readonly string[]): void {
  if (found.length > 0) assert.fail(found.join("\n"));
}
