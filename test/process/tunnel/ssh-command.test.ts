/**
 * Random values of -o and of flags, with all that a shell and ssh read in ways of their own: each line that is printed
 * is taken by ssh, behind a real shell, and means what the words meant.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../src/codec/malformed.ts";
import { shellLine } from "../../../src/codec/words/shell-words.ts";
import { describeTunnel } from "../../../src/config/description.ts";
import { realSources } from "../../../src/config/file/config-sources.ts";
import { resolveTunnel } from "../../../src/config/resolved-tunnel.ts";
import { readRunSettings } from "../../../src/config/run-settings.ts";
import { PorthopError } from "../../../src/errors.ts";
import { sshWords, withOwnDefaults } from "../../../src/tunnel/ssh-command.ts";
import { rounds } from "../../kit/effort.ts";
import { opensshes } from "../../kit/openssh.ts";
import { run } from "../../kit/run.ts";
import { tempDirectory } from "../../kit/temp.ts";

const all = opensshes();
const limits = { timeout: 300_000, skip: all.length === 0 && "needs ssh" };
const home = tempDirectory("ssh-command");

const pieces = [
  ..."ab1'\"\\ \t#=%/,:*$;&|<>()`!?{}[]^-@é漢",
  "%h",
  "%%",
  "~/",
  "''",
  '""',
  "\\'",
  "none",
  "yes",
  "it's",
];
const soup = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 8 }).map((parts) => parts.join(""));
const keyword = fc.constantFrom(
  ...["ProxyCommand", "RemoteCommand", "LocalCommand", "UserKnownHostsFile", "GlobalKnownHostsFile", "SetEnv"],
  ...["SendEnv", "IdentityFile", "HostKeyAlias", "CertificateFile"],
);
const sign = fc.constantFrom("=", " ", " = ");
const option = fc.tuple(keyword, sign, soup).map(([name, between, value]) => ["-o", `${name}${between}${value}`]);
const flag = fc.tuple(fc.constantFrom("-l", "-i", "-b"), soup).map(([name, value]) => [name, value]);
const command = fc.oneof(
  fc.constant([]),
  soup.map((word) => ["echo", word]),
);
const words = fc
  .tuple(fc.oneof({ weight: 3, arbitrary: option }, { weight: 1, arbitrary: flag }), command)
  .map(([flags, remote]) => ["-F", "none", ...flags, "-L", "8080:localhost:80", "host", ...remote]);

/** The words of ssh; undefined when porthop refuses the words that were given. */
function printed(given: readonly string[]): readonly string[] | undefined {
  try {
    const { said, effective } = resolveTunnel(describeTunnel(given), realSources({}));
    return sshWords(withOwnDefaults(said, effective));
  } catch (error) {
    if (!(error instanceof PorthopError || error instanceof Malformed)) throw error;
    return undefined;
  }
}

const wish = fc.constantFrom(
  ...["-N", "-f", "-t", "-tt", "-T", "-n", "-M", "-W a:1", "-L 1:a:1", "-L 1:a:1", "-D 1080", "-J x"],
  ...["SessionType=none", "SessionType=default", "ForkAfterAuthentication=yes", "ClearAllForwardings=yes"].map(
    asOption,
  ),
  ...["RemoteCommand=x", "RemoteCommand=none", "RequestTTY=force", "RequestTTY=no", "ProxyCommand=nc"].map(asOption),
);
const wishes = fc
  .tuple(fc.array(wish, { minLength: 1, maxLength: 5 }), fc.constantFrom("", " ls -l"))
  .map(([flags, remote]) => ["-F", "none", ...`${flags.join(" ")} host${remote}`.split(" ")]);

function asOption(text: string): string {
  return `-o ${text}`;
}

test(
  "Flags of the session in any order are refused and taken as by ssh, and so are the lines that are printed.",
  limits,
  async () => {
    const [openssh] = all;
    assert.ok(openssh !== undefined);
    const judge = async (words: readonly string[]) => {
      const { code, stdout, stderr } = await run(openssh.ssh, ["-G", ...words], { cwd: home });
      return { isTaken: code === 0, stderr, settings: stdout.split("\n") };
    };
    await fc.assert(
      fc.asyncProperty(wishes, async (given) => {
        const theirs = await judge(given);
        const ours = verdict(given);
        // porthop implies -N beside a forward, and has nobody at stdin in the background.
        const isImplied = /Cannot fork/.test(theirs.stderr) && /-L|-D/.test(given.join());
        if (!isImplied && ours !== "-f and -W")
          assert.equal(ours === undefined, theirs.isTaken, `${ours} ${theirs.stderr}`);
        if (ours !== undefined) return;
        const after = await judge(printed(given) ?? []);
        assert.ok(after.isTaken, `${shellLine(printed(given) ?? [])}: ${after.stderr}`);
        if (!theirs.isTaken) return;
        // These follow from the -N that porthop implies, and mean nothing beside -N and -W.
        const differs = /^(?:exitonforwardfailure|sessiontype|requesttty) /;
        const [is, was] = [after, theirs].map(({ settings }) => settings.filter((each) => !differs.test(each)));
        assert.deepEqual(is, was, shellLine(printed(given) ?? []));
      }),
      { numRuns: rounds(400) },
    );
  },
);

/** What porthop run refuses; undefined when it takes the words. */
function verdict(given: readonly string[]): string | undefined {
  try {
    readRunSettings(given, realSources({}));
    return undefined;
  } catch (error) {
    if (!(error instanceof PorthopError)) throw error;
    return error.message.startsWith("-f and -W") ? "-f and -W" : error.message;
  }
}

for (const { ssh, version } of all) {
  test(`Each line that is printed is one that ssh ${version} takes, and means the same.`, limits, async () => {
    const settingsOf = async (line: string) => {
      const { code, stdout, stderr } = await run("sh", ["-c", `"$0" -G ${line}`, ssh], {
        env: { PATH: process.env["PATH"] ?? "", HOME: home },
        cwd: home,
      });
      assert.equal(code, 0, `ssh ${line}: ${stderr}`);
      return stdout.split("\n");
    };
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(words, async (given) => {
        const line = printed(given);
        if (line === undefined || isElsewhere(given, version)) return;
        const [after, before] = [await settingsOf(shellLine(line)), await settingsOf(shellLine(given))];
        // Without a command porthop means -N.
        const differs = /^(?:exitonforwardfailure|sessiontype|requesttty) /;
        assert.deepEqual(
          after.filter((each) => !differs.test(each)),
          before.filter((each) => !differs.test(each)),
          shellLine(line),
        );
        assert.ok(after.includes("exitonforwardfailure yes"));
        taken++;
      }),
      { numRuns: rounds(1500), examples: [[["-o", "ProxyCommand=a'b", "-L", "1:a:1", "h"]]] },
    );
    assert.ok(taken > rounds(1500) / 10, `only ${taken} were taken`);
  });
}

test("A value whose quote is not closed is refused, whoever the keyword belongs to: ssh refuses it too.", () => {
  for (const text of [
    "ProxyCommand=a'b",
    'UserKnownHostsFile="x',
    "LocalCommand=it's",
    "VisualHostKey='yes",
    "ControlPath=#x",
  ]) {
    assert.equal(printed(["-o", text, "-L", "1:a:1", "h"]), undefined, text);
  }
  assert.deepEqual(printed(["-N", "-o", "ProxyCommand=sh -c 'nc %h %p'", "h"]), [
    "-N",
    "-o",
    "ProxyCommand=sh -c 'nc %h %p'",
    "h",
  ]);
});

/** What the versions of OpenSSH do not agree on, and porthop follows one of. */
function isElsewhere(given: readonly string[], version: string): boolean {
  const [name = "", value = ""] = given.slice(2);
  // OpenSSH 10 fills tokens into the user's name and into SetEnv.
  return (name === "-l" || value.startsWith("SetEnv")) && value.includes("%") && Number.parseFloat(version) >= 10;
}
