import assert from "node:assert/strict";
import { test } from "node:test";
import { addOption } from "../../../../src/config/file/config-value.ts";
import { Keywords } from "../../../../src/config/file/keyword-record.ts";
import { effectiveSettings } from "../../../../src/config/file/ssh-config.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { rounds } from "../../../kit/effort.ts";
import { manyHosts, memoryConfig } from "../../../kit/memory-config.ts";

process.env["USER_OF_TEST"] = "tester";

const user = "/home/anna/.ssh/config";
const system = "/etc/ssh/ssh_config";

test("The command line comes first, then the user's file, then the system's, and lists go on.", () => {
  const sources = memoryConfig({
    [user]: "User file\nPort 2\nIdentityFile /u\n",
    [system]: "Compression yes\nPort 3\nIdentityFile /s\nUser system\n",
  });
  const keywords = new Keywords();
  keywords.add("User", "flag");
  keywords.add("IdentityFile", "/flag");
  const effective = effectiveSettings("web", keywords, sources);
  assert.equal(effective.keywords, keywords);
  assert.deepEqual([keywords.text("User"), keywords.text("Port"), keywords.text("Compression")], ["flag", "2", "yes"]);
  assert.deepEqual(keywords.all("IdentityFile"), ["/flag", "/u", "/s"]);
});

test("A user's file that cannot be read is said, and one that is missing is nothing.", () => {
  const closed = { ...memoryConfig({}), read: () => ({ why: "permission denied", isMissing: false }) };
  const keywords = new Keywords();
  effectiveSettings("web", keywords, closed);
  assert.deepEqual(keywords.warnings, [`cannot read ${user}: permission denied`]);
  const missing = new Keywords();
  effectiveSettings("web", missing, memoryConfig({}));
  assert.deepEqual([missing.warnings, missing.given()], [[], []]);
});

test("The tokens of Match exec are those of the host as far as it is known.", () => {
  const sources = memoryConfig({
    [user]: 'HostName real\nUser bob\nMatch exec "%h %n %k %p %r %u %i %L %d"\nPort 1\n',
  });
  effectiveSettings("web", new Keywords(), sources);
  assert.deepEqual(sources.commands, ["real web real 22 bob anna 1000 brahma /home/anna"]);
});

test("What a HostName must not hold is refused when its token is filled in.", () => {
  const sources = memoryConfig({ [user]: "HostName -%h\n" });
  assert.throws(() => effectiveSettings("web", new Keywords(), sources), { code: "config.invalid" });
});

test("An unknown token is an error of the configuration that names the keyword.", () => {
  const keywords = new Keywords();
  addOption(keywords, "IdentityFile=/k/%z");
  assert.throws(() => effectiveSettings("web", keywords, memoryConfig({})), /^PorthopError: IdentityFile: /);
});

for (const [line, message] of [
  ["IdentityFile /k/%z", 'IdentityFile: "/k/%z": "%z" means nothing here'],
  ["IdentityFile ~nobody/k", 'IdentityFile: "~nobody/k": there is no user "nobody"'],
  ["RemoteCommand echo %z", 'RemoteCommand: "echo %z": "%z" means nothing here'],
  ["RemoteCommand echo 100%", 'RemoteCommand: "echo 100%" ends in a "%"'],
  ["HostName %z", 'HostName: "%z": "%z" means nothing here, only %h, %%'],
  ["ControlPath /%z", 'ControlPath: "/%z"'],
] as const) {
  test(`What is wrong in "${line}" is said with its file and line, also where it comes from an include.`, () => {
    const refusal = (files: Readonly<Record<string, string>>) => {
      try {
        effectiveSettings("web", new Keywords(), memoryConfig(files));
      } catch (error) {
        assert.ok(error instanceof PorthopError && error.code === "config.invalid", String(error));
        return error.message;
      }
      throw new Error("nothing was wrong");
    };
    const told = refusal({ [user]: `Host db\n Port 1\nHost web\n ${line}\n` });
    assert.ok(told.startsWith(`${user} line 4: ${message}`), told);
    const included = refusal({ [user]: "Include /more\n", "/more": `\n${line}\n` });
    assert.ok(included.startsWith(`/more line 2: ${message}`), included);
  });
}

test("Sixteen times the hosts take no more than some sixteen times the time to read.", { timeout: 60_000 }, () => {
  // The time of the processor: on a busy machine each long reading is interrupted. What else the processor does for
  // this process meanwhile only adds to it, so that the least of several shows what they take.
  const quickest = (hosts: number) => {
    const sources = memoryConfig({ [user]: manyHosts(hosts) });
    const took = Array.from({ length: rounds(15, 5) }, () => {
      const start = process.cpuUsage();
      for (let read = 0; read < 4000; read += hosts) {
        const { keywords } = effectiveSettings(`machine${hosts - 1}`, new Keywords(), sources);
        assert.equal(keywords.text("Port"), String(1999 + hosts));
      }
      const { user: ours, system } = process.cpuUsage(start);
      return ours + system;
    });
    return Math.min(...took);
  };
  quickest(250);
  const ratio = (16 * quickest(4000)) / quickest(250);
  assert.ok(ratio < 64, `it took ${ratio.toFixed(1)} times as long`);
});
