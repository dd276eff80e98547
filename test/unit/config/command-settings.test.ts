import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../src/codec/malformed.ts";
import { type CommandSettings, commandEnvironment, readCommand } from "../../../src/config/command-settings.ts";
import { describeTunnel } from "../../../src/config/description.ts";
import { tolerantSettings } from "../../../src/config/run-settings.ts";
import { keywordsOf } from "../../../src/config/tunnel-keywords.ts";
import { PorthopError } from "../../../src/errors.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

function read(...words: readonly string[]): CommandSettings | undefined {
  const tunnel = describeTunnel(words);
  return readCommand(tunnel, keywordsOf(tunnel));
}

function some(...words: readonly string[]): CommandSettings {
  const settings = read(...words);
  assert.ok(settings !== undefined);
  return settings;
}

test("A command has the defaults of ssh.", () => {
  assert.deepEqual(some("host", "uname", "-a"), {
    command: "uname -a",
    terminal: "no",
    readsInput: true,
    escape: 0x7e,
    sendEnv: [],
    setEnv: [],
    forwardAgent: "no",
    x11: undefined,
  });
});

test("Without words nothing runs, unless -t or an -o asks for a shell or a RemoteCommand.", () => {
  const nothing = [["host"], ["-N", "host"], ["-A", "host"], ["-Nt", "host"], ["-t", "-T", "host"]];
  for (const words of [...nothing, ["-o", "RequestTTY=auto", "host"], ["-o", "RemoteCommand=none", "host"]]) {
    assert.equal(read(...words), undefined, words.join(" "));
  }
  assert.equal(read("-T", "-o", "RequestTTY=yes", "host"), undefined);
  assert.equal(some("-L", "1:a:1", "-o", "RequestTTY=Yes", "host").terminal, "yes");
  assert.equal(some("-o", "RemoteCommand=ls", "host").command, "ls");
  assert.equal(read("-N", "-o", "RemoteCommand=ls", "host"), undefined);
  assert.deepEqual([some("-t", "host").command, some("-t", "host").terminal], [undefined, "yes"]);
  assert.equal(some("-t", "-o", "RemoteCommand=ls", "host").command, "ls");
  assert.equal(some("-t", "-o", "RemoteCommand=none", "host").command, undefined);
});

/** The flags, and whether the command gets a terminal. */
const terminals: readonly (readonly [flags: string, terminal: CommandSettings["terminal"]])[] = [
  ["-T", "no"],
  ["-t", "yes"],
  ["-tt", "force"],
  ["-tT", "no"],
  ["-Tt", "yes"],
  ["-t -t", "force"],
  ["-ttt", "yes"],
  ["-o RequestTTY=yes", "yes"],
  ["-o RequestTTY=force", "force"],
  ["-o RequestTTY=auto", "no"],
  ["-o RequestTTY=force -T", "no"],
  ["-T -o RequestTTY=force", "no"],
];

for (const [flags, terminal] of terminals) {
  test(`With ${flags} the terminal is: ${terminal}.`, () => {
    assert.equal(some(...flags.split(" "), "host", "ls").terminal, terminal);
  });
}

test("The RemoteCommand of a configuration file is for all that runs on the host, and is no wish to run something.", () => {
  const files = memoryConfig({ "/home/anna/.ssh/config": "RemoteCommand ls\nRequestTTY force\n" });
  const command = (...words: string[]) => tolerantSettings(describeTunnel(words), files).remote?.command;
  assert.deepEqual([command("-L", "1:a:1", "h"), command("-t", "h")], [undefined, "ls"]);
});

test("-n, -f and StdinNull give the command no stdin.", () => {
  for (const flags of [["-n"], ["-f"], ["-o", "StdinNull=yes"]]) {
    assert.equal(some(...flags, "host", "ls").readsInput, false, flags.join(" "));
  }
});

test("The escape character is -e's, else EscapeChar's.", () => {
  assert.equal(some("-e", "^]", "-o", "EscapeChar=x", "host", "ls").escape, 0x1d);
  assert.equal(some("-o", "EscapeChar=none", "host", "ls").escape, undefined);
  assert.throws(() => read("-e", "ab", "host", "ls"), /EscapeChar: "ab" is not one character, \^ and one, or none/);
});

test("Of -A and -a, and of -X, -Y and -x, the last one counts, and is stronger than its keyword.", () => {
  assert.equal(some("-a", "-A", "host", "ls").forwardAgent, "yes");
  assert.equal(some("-A", "-a", "-o", "ForwardAgent=yes", "host", "ls").forwardAgent, "no");
  assert.equal(some("-o", "ForwardAgent=/run/agent", "host", "ls").forwardAgent, "/run/agent");
  assert.deepEqual(some("-x", "-X", "host", "ls").x11, { trusted: false, timeoutMs: 1_200_000, xauth: "xauth" });
  assert.equal(some("-X", "-x", "-o", "ForwardX11=yes", "host", "ls").x11, undefined);
  assert.equal(some("-Y", "host", "ls").x11?.trusted, true);
  const keywords = ["ForwardX11=yes", "ForwardX11Trusted=yes", "ForwardX11Timeout=1h", "XAuthLocation=/opt/xauth"];
  const flags = keywords.flatMap((keyword) => ["-o", keyword]);
  assert.deepEqual(some(...flags, "host", "ls").x11, { trusted: true, timeoutMs: 3_600_000, xauth: "/opt/xauth" });
  assert.equal(some("-X", "-o", "ForwardX11Timeout=0", "host", "ls").x11?.timeoutMs, 0);
});

test("SendEnv collects patterns, one with a dash takes away, and SetEnv is stronger.", () => {
  const environment = { LANG: "C", LC_ALL: "de", LC_TIME: "en", FOO: "mine", SECRET: "x" };
  const sent = (...options: readonly string[]) =>
    Object.fromEntries(commandEnvironment(some(...options.flatMap((each) => ["-o", each]), "host", "ls"), environment));
  assert.deepEqual(sent(), {});
  assert.deepEqual(sent("SendEnv=LANG LC_*", "SendEnv=F?O"), { LANG: "C", LC_ALL: "de", LC_TIME: "en", FOO: "mine" });
  assert.deepEqual(sent("SendEnv=LANG LC_*", "SendEnv=-LC_*"), { LANG: "C" });
  assert.deepEqual(sent("SendEnv=FOO", 'SetEnv=FOO=set "BAR=two words" EMPTY='), {
    FOO: "set",
    BAR: "two words",
    EMPTY: "",
  });
});

for (const [words, told] of [
  [["host", ""], /^the command is empty/],
  [["-o", "SetEnv=FOO", "host", "ls"], /"FOO" is not NAME=value/],
] as const) {
  test(`${JSON.stringify(words)} makes no sense.`, () => {
    assert.throws(
      () => read(...words),
      (error) => (error instanceof Malformed || error instanceof PorthopError) && told.test(error.message),
    );
  });
}

test("-A forwards the agent whose path a ForwardAgent names, and -a forwards none, as with ssh.", () => {
  const forwarded = (...words: string[]) => some(...words, "host", "ls").forwardAgent;
  const path = ["-o", "ForwardAgent=/run/agent"];
  assert.equal(forwarded("-A", ...path), "/run/agent");
  assert.equal(forwarded(...path, "-A"), "/run/agent");
  assert.equal(forwarded("-a", ...path), "no");
  assert.equal(forwarded("-o", "ForwardAgent=no", ...path), "no");
  assert.equal(forwarded("-o", "ForwardAgent=yes", ...path, "-o", "ForwardAgent=/run/other"), "/run/agent");
  assert.equal(forwarded(...path, "-o", "ForwardAgent=no", "-o", "IdentityAgent=/run/mine"), "/run/agent");
});

test("With ForwardAgent yes the agent of IdentityAgent goes along, and none when that is none, as with ssh.", () => {
  const forwarded = (...words: string[]) => some(...words, "host", "ls").forwardAgent;
  assert.equal(forwarded("-A", "-o", "IdentityAgent=/run/mine"), "/run/mine");
  assert.equal(forwarded("-o", "ForwardAgent=true", "-o", "IdentityAgent=none"), "none");
  assert.equal(forwarded("-o", "ForwardAgent=/run/other", "-o", "IdentityAgent=/run/mine"), "/run/other");
  assert.equal(forwarded("-a", "-o", "IdentityAgent=/run/mine"), "no");
});

test("RequestTTY true is yes, as with ssh.", () => {
  assert.equal(some("-o", "RequestTTY=true", "host", "ls").terminal, "yes");
  assert.equal(some("-o", "RequestTTY=false", "host", "ls").terminal, "no");
});
