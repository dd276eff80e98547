/** Saving a tunnel as a Host of ~/.ssh/config: what ssh then makes of it, and that the file is never damaged. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { freePort, httpServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";
import { askForWeb, homeKnowing, restForWeb, Talk } from "./wizard-talk.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "ssh", "script", "stty", "curl"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

function configOf(home: string): string {
  return join(home, ".ssh", "config");
}

function homeWith(config: string): string {
  const home = tempDirectory("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  writeFileSync(configOf(home), config, { mode: 0o600 });
  return home;
}

function copiesIn(home: string): readonly string[] {
  return readdirSync(join(home, ".ssh")).filter((name) => name.endsWith(".bak"));
}

/** What ssh makes of a host with this file: `hostname 127.0.0.1`. */
async function effective(home: string, host: string): Promise<readonly string[]> {
  const { code, stdout, stderr } = await run("ssh", ["-G", "-F", configOf(home), host]);
  assert.equal(code, 0, stderr);
  return stdout.split("\n");
}

async function save(talk: Talk, name: string): Promise<void> {
  await talk.pick(/What now\?/, 3);
  await talk.type(/What shall it be called\?/, name);
  await talk.sees(/\+ Host /);
  await talk.pick(/Shall they be added\?/);
}

test(
  "A Host is added at the end, with a copy of the file, and ssh does by its name what was planned.",
  limits,
  async () => {
    const [sshd, listen] = [await theSshd(), await freePort()];
    await using web = await httpServer("the page\n");
    const home = homeKnowing("vishnu", sshd, "# mine");
    const before = readFileSync(configOf(home), "utf8").replace("# mineHost", "# mine\nHost").trimEnd();
    writeFileSync(configOf(home), before);
    chmodSync(configOf(home), 0o640);
    await using talk = new Talk({ home });
    await talk.pick(/What do you want to do\?/);
    await talk.pick(/What do you want to reach\?/);
    await talk.pick(/Through which server\?/);
    await restForWeb(talk, web.port, listen);
    await save(talk, "the-page");
    await talk.sees(/Saved: ssh the-page/);
    await talk.pick(/What now\?/);
    assert.equal(await talk.end(), 0);

    const after = readFileSync(configOf(home), "utf8");
    assert.ok(after.startsWith(`${before}\n\nHost the-page\n`));
    assert.equal(statSync(configOf(home)).mode & 0o777, 0o640);
    const [copy, ...others] = copiesIn(home);
    assert.deepEqual(others, []);
    assert.equal(readFileSync(join(home, ".ssh", copy ?? ""), "utf8"), before);
    const [alias, saved] = [await effective(home, "vishnu"), await effective(home, "the-page")];
    for (const keyword of ["hostname", "user", "port", "identityfile", "userknownhostsfile"]) {
      const find = (lines: readonly string[]) => lines.filter((line) => line.startsWith(`${keyword} `));
      assert.deepEqual(find(saved), find(alias), keyword);
    }
    assert.ok(saved.includes(`localforward ${listen} [localhost]:${web.port}`));
    assert.ok(saved.includes("exitonforwardfailure yes"));
    // The alias itself is what it was.
    assert.equal(
      alias.some((line) => line.startsWith("localforward")),
      false,
    );

    await using program = porthop(["run", "--json", "the-page"], { home });
    await program.event("ready");
    const { stdout } = await run("curl", ["-s", `http://localhost:${listen}/`]);
    assert.equal(stdout, "the page\n");
  },
);

test("Where there is no file yet, one is made that only its owner reads.", limits, async () => {
  await using talk = new Talk();
  await askForWeb(talk, "alice@vishnu:2222", 80, await freePort());
  await save(talk, "");
  await talk.sees(/Saved: ssh vishnu-tunnel/);
  assert.equal(statSync(configOf(talk.home)).mode & 0o777, 0o600);
  assert.equal(statSync(join(talk.home, ".ssh")).mode & 0o777, 0o700);
  const lines = await effective(talk.home, "vishnu-tunnel");
  for (const line of ["hostname vishnu", "user alice", "port 2222", "sessiontype none"]) {
    assert.ok(lines.includes(line), line);
  }
  assert.deepEqual(copiesIn(talk.home), []);
});

test("What only porthop does is saved so that ssh passes over it, for this host and all others.", limits, async () => {
  const home = homeWith("Host other\n  Port 2200\n");
  await using talk = new Talk({ home });
  await talk.pick(/What do you want to do\?/, 2);
  await talk.pick(/Through which server\?/);
  await talk.pick(/Who may connect/);
  await talk.type(/On which port of this machine\?/, String(await freePort()));
  await talk.pick(/Anything else\?/, 1);
  await talk.type(/Into which file\?/, "~/my capture.pcapng");
  await talk.pick(/Anything more\?/);
  await save(talk, "proxy");
  await talk.sees(/Saved/);
  const text = readFileSync(configOf(home), "utf8");
  assert.ok(text.includes(`    PorthopCapture "${home}/my capture.pcapng"\n`));
  assert.ok((await effective(home, "proxy")).includes("port 2200"));
  assert.ok((await effective(home, "nobody")).includes("port 22"));
});

test("With an IgnoreUnknown of the user's own, which counts first, ssh still reads the file.", limits, async () => {
  const home = homeWith("IgnoreUnknown UseKeychain\nUseKeychain yes\n");
  await using talk = new Talk({ home });
  await talk.pick(/What do you want to do\?/, 2);
  await talk.type(/Which server do you log in to\?/, "alice@vishnu");
  await talk.pick(/Who may connect/);
  await talk.type(/On which port of this machine\?/, String(await freePort()));
  await talk.pick(/Anything else\?/, 2);
  await talk.type(/How fast at most/, "");
  await talk.pick(/Anything more\?/);
  await save(talk, "");
  await talk.sees(/Saved/);
  assert.match(readFileSync(configOf(home), "utf8"), /^ {4}# PorthopRateLimit 1MB\/s$/m);
  assert.ok((await effective(home, "vishnu-tunnel")).includes("user alice"));
});

test("A name that is taken is refused, and no leaves the file alone.", limits, async () => {
  const config = "Host vishnu-tunnel Other\n  Port 2200\n";
  const home = homeWith(config);
  await using talk = new Talk({ home });
  await talk.pick(/What do you want to do\?/);
  await talk.pick(/What do you want to reach\?/);
  await talk.pick(/Through which server\?/, -2);
  await talk.type(/Which server do you log in to\?/, "alice@vishnu");
  await restForWeb(talk, 80, await freePort());
  await talk.pick(/What now\?/, 3);
  await talk.type(/What shall it be called\?/, "other");
  await talk.sees(/there is a Host "other" already/);
  talk.send("\u0015");
  await talk.type(/What shall it be called\?/, "an-other");
  await talk.pick(/Shall they be added\?/, 1);
  await talk.pick(/What now\?/);
  assert.equal(await talk.end(), 0);
  assert.equal(readFileSync(configOf(home), "utf8"), config);
  assert.deepEqual(copiesIn(home), []);
});

test("Nothing is saved where an earlier line of the file would count instead.", limits, async () => {
  const config = "Host *\n  User bob\n";
  const home = homeWith(config);
  await using talk = new Talk({ home });
  await askForWeb(talk, "alice@vishnu", 80, await freePort());
  await talk.pick(/What now\?/, 3);
  await talk.type(/What shall it be called\?/, "");
  await talk.sees(/Not saved: User would be "bob"/);
  await talk.pick(/What now\?/);
  assert.equal(await talk.end(), 0);
  assert.equal(readFileSync(configOf(home), "utf8"), config);
});

test("A link stays a link, and the file that it leads to is the one that is changed.", limits, async () => {
  const home = homeWith("Host a\n");
  const real = join(home, "dotfiles");
  renameSync(configOf(home), real);
  symlinkSync(real, configOf(home));
  await using talk = new Talk({ home });
  await talk.pick(/What do you want to do\?/);
  await talk.pick(/What do you want to reach\?/);
  await talk.pick(/Through which server\?/);
  await restForWeb(talk, 80, await freePort());
  await save(talk, "linked");
  await talk.sees(/Saved/);
  assert.ok(lstatSync(configOf(home)).isSymbolicLink());
  assert.match(readFileSync(real, "utf8"), /^Host a\n\nHost linked\n/);
});

test("A file that changed between the question and the answer is left alone.", limits, async () => {
  const home = homeWith("# first\n");
  await using talk = new Talk({ home });
  await askForWeb(talk, "alice@vishnu", 80, await freePort());
  await talk.pick(/What now\?/, 3);
  await talk.type(/What shall it be called\?/, "");
  await talk.sees(/Shall they be added\?/);
  writeFileSync(configOf(home), "# second\n");
  await talk.pick(/Shall they be added\?/);
  await talk.sees(/Not saved: [\s\S]*changed by[\s\S]*meanwhile/);
  assert.equal(readFileSync(configOf(home), "utf8"), "# second\n");
  assert.equal(existsSync(`${configOf(home)}.bak`), false);
});
