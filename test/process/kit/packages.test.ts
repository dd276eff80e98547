import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { test } from "node:test";
import { findTool, install, type Machine, need, needOn, toolsAskedFor } from "../../kit/packages.ts";

test("Nothing is missing when all tools are there.", () => {
  assert.equal(need("sh"), false);
  assert.equal(need(), false);
});

test("A tool is found in the system's own directories as well.", () => {
  accessSync(findTool("sh") ?? "", constants.X_OK);
  assert.equal(findTool("no-such-tool-at-all"), undefined);
});

test("Missing tools are named with their packages where nothing can be installed.", () => {
  const machine = fakeMachine({ has: ["ssh"] });
  const reason = "needs openssh-server, wireshark-common, curl (sshd, capinfos, editcap, curl not found)";
  assert.equal(needOn(machine, ["sshd", "ssh", "capinfos", "editcap", "curl"]), reason);
  assert.deepEqual(machine.installs, []);
});

test("Only what is missing is installed, each package once.", () => {
  const machine = fakeMachine({ has: ["ssh"], canInstall: true });
  assert.equal(needOn(machine, ["ssh", "sshd", "capinfos", "mergecap", "nc"]), false);
  assert.deepEqual(machine.installs, [["openssh-server", "wireshark-common", "netcat-openbsd"]]);
});

test("An installation that does not bring the tool is a reason to skip.", () => {
  const machine = fakeMachine({ canInstall: true, archive: [] });
  assert.equal(needOn(machine, ["tshark"]), "needs tshark (tshark not found)");
});

test("Where skipping is forbidden a missing tool is an error, after trying to install it.", () => {
  assert.throws(() => needOn(fakeMachine({ noSkip: true }), ["tshark"]), /needs tshark .*PORTHOP_NO_SKIP=1/);
  assert.equal(needOn(fakeMachine({ noSkip: true, canInstall: true }), ["tshark"]), false);
});

test("All tools that the tests ask for are installed at once, and what cannot be had is no error yet.", () => {
  const source =
    'const missing = need("sshd", "ssh") || need(...others);\nneed();\nconst more = need(\n  "tshark",\n);';
  assert.deepEqual(toolsAskedFor(source), ["sshd", "ssh", "tshark"]);
  const machine = fakeMachine({ has: ["ssh"], canInstall: true, noSkip: true, archive: ["tshark"] });
  assert.deepEqual(install(toolsAskedFor(source), machine), ["sshd"]);
  assert.deepEqual(machine.installs, [["openssh-server", "tshark"]]);
});

interface Fake {
  readonly has?: readonly string[];
  readonly canInstall?: boolean;
  readonly noSkip?: boolean;
  /** The packages that can be had; all by default. */
  readonly archive?: readonly string[];
}

function fakeMachine(fake: Fake): Machine & { readonly installs: (readonly string[])[] } {
  const brought: Readonly<Record<string, readonly string[]>> = {
    "openssh-server": ["sshd"],
    "wireshark-common": ["capinfos", "editcap", "mergecap"],
    "netcat-openbsd": ["nc"],
    tshark: ["tshark"],
  };
  const tools = new Set(fake.has ?? []);
  const installs: (readonly string[])[] = [];
  return {
    installs,
    canInstall: fake.canInstall ?? false,
    noSkip: fake.noSkip ?? false,
    find: (tool) => (tools.has(tool) ? `/bin/${tool}` : undefined),
    install: (packages) => {
      installs.push(packages);
      const had = packages.filter((name) => fake.archive?.includes(name) ?? true);
      for (const tool of had.flatMap((name) => brought[name] ?? [])) tools.add(tool);
    },
  };
}
