/** UpdateHostKeys: a server that gets new host keys stays known, and nothing else in the user's files changes. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { pty } from "../kit/pty.ts";
import { run } from "../kit/run.ts";
import { freePort } from "../kit/servers.ts";
import { makeKey, type Sshd, startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen", "script", "stty"), timeout: 60_000 };
const update = ["-o", "UpdateHostKeys=yes"];

/** With three keys; the tests know some of them. */
const theSshd = shared(() => startSshd({ hostKeys: ["ed25519", "ecdsa", "rsa"] }));

test(
  "Keys that the server has besides the known one are learned, and other lines and comments stay.",
  limits,
  async () => {
    const sshd = await theSshd();
    const before = `# mine\n${known(sshd, 0)} my comment\nother.example ${stranger()}\n\nnot a line\n`;
    const file = fileWith(before);
    chmodSync(file, 0o640);
    const { stderr } = await updated(sshd, file, update, /learned/g, 2);
    assert.match(stderr, /learned the new host key ECDSA SHA256:/);
    assert.equal(readFileSync(file, "utf8"), `${before}${known(sshd, 1)}\n${known(sshd, 2)}\n`);
    assert.equal(statSync(file).mode & 0o777, 0o640);
    // ssh-keygen is the judge of the file, and ssh finds nothing more to do.
    const found = await run("ssh-keygen", ["-F", `[${sshd.host}]:${sshd.port}`, "-f", file]);
    assert.equal(found.stdout.match(/found: line/g)?.length, 3);
  },
);

test(
  "Lines of keys that the server has no more go, from all the user's files, with the old mode.",
  limits,
  async () => {
    const sshd = await theSshd();
    const old = `[${sshd.host}]:${sshd.port} ${stranger()}`;
    const first = fileWith(`# kept\n${known(sshd, 0)}\n${old}\n${known(sshd, 1)}\nother.example ${stranger()} \xff\n`);
    const second = fileWith(`${old.replace(/ .*/, "")} ${stranger()}\n# also kept\n`);
    const rest = readFileSync(first, "latin1").replace(`${old}\n`, "");
    chmodSync(first, 0o604);
    const files = ["-o", `UserKnownHostsFile=${first} ${second}`];
    await updated(sshd, first, [...files, ...update], /forgot/g, 2);
    assert.equal(readFileSync(first, "latin1"), `${rest}${known(sshd, 2)}\n`);
    assert.equal(readFileSync(second, "utf8"), "# also kept\n");
    assert.equal(statSync(first).mode & 0o777, 0o604);
    assert.deepEqual(readdirSync(dirname(first)), ["known_hosts"]);
  },
);

test(
  "Keys are learned also where UserKnownHostsFile names the file that it would be anyway, as by ssh.",
  limits,
  async () => {
    const sshd = await theSshd();
    const home = tempDirectory("home");
    mkdirSync(join(home, ".ssh"), { mode: 0o700 });
    const file = join(home, ".ssh", "known_hosts");
    writeFileSync(file, `${known(sshd, 0)}\n`);
    await using program = porthop(await words(sshd, ["-o", "UserKnownHostsFile=~/.ssh/known_hosts"]), { home });
    await program.stderr(/learned.*learned/s);
    assert.equal(readFileSync(file, "utf8").trim().split("\n").length, 3);
    const { stdout } = await run("ssh", ["-G", "-F", "none", "-o", "UserKnownHostsFile=~/.ssh/known_hosts", "web"]);
    assert.match(stdout, /^updatehostkeys true$/m);
  },
);

test("A file that is a link stays one.", limits, async () => {
  const sshd = await theSshd();
  const real = fileWith(`${known(sshd, 0)}\n[${sshd.host}]:${sshd.port} ${stranger()}\n`);
  const link = join(tempDirectory("known-hosts"), "link");
  symlinkSync(real, link);
  await updated(sshd, link, update, /forgot/g, 1);
  assert.equal(readFileSync(real, "utf8"), `${sshd.hostKeys.map((_key, index) => known(sshd, index)).join("\n")}\n`);
});

test("With HashKnownHosts the new names are hashed.", limits, async () => {
  const sshd = await theSshd();
  const file = fileWith(`${known(sshd, 0)}\n`);
  await updated(sshd, file, [...update, "-o", "HashKnownHosts=yes"], /learned/g, 2);
  assert.equal(readFileSync(file, "utf8").match(/^\|1\|/gm)?.length, 2);
  const found = await run("ssh-keygen", ["-F", `[${sshd.host}]:${sshd.port}`, "-f", file]);
  assert.equal(found.stdout.match(/found: line/g)?.length, 3);
});

test("After the rotation the old key can go: the server stays known.", limits, async () => {
  await using sshd = await startSshd();
  const next = makeKey(join(sshd.directory, "next"), "ecdsa");
  writeFileSync(sshd.configFile, `HostKey ${next}\n${readFileSync(sshd.configFile, "utf8")}`);
  const file = fileWith(`${known(sshd, 0)}\n`);
  await sshd.stop();
  await sshd.start();
  await updated(sshd, file, update, /learned/g, 1);
  writeFileSync(sshd.configFile, readFileSync(sshd.configFile, "utf8").replace(/^HostKey .*host_ed25519\n/m, ""));
  await sshd.stop();
  await sshd.start();
  await updated(sshd, file, update, /forgot/g, 1);
  const publicKey = readFileSync(`${next}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
  assert.equal(readFileSync(file, "utf8"), `[${sshd.host}]:${sshd.port} ${publicKey}\n`);
});

test(
  "The files stay as they are where ssh leaves them: no consent, other names, patterns, authorities, first contact.",
  limits,
  async () => {
    const sshd = await theSshd();
    const line = known(sshd, 0);
    const key = sshd.hostKeys[0] ?? "";
    const cases: readonly (readonly [string, readonly string[]])[] = [
      [`${line}\n`, []],
      [`${line}\n`, ["-o", "UpdateHostKeys=no"]],
      [`${line}\n`, ["-o", "UpdateHostKeys=ask"]],
      [`${line}\nalias.example ${sshd.hostKeys[1]}\n`, update],
      [`[127.0.0.*]:${sshd.port} ${key}\n`, update],
      [`${line}\n@cert-authority * ${stranger()}\n`, update],
      [`a.example,b.example,[${sshd.host}]:${sshd.port} ${key}\n`, update],
    ];
    for (const [text, flags] of cases) {
      const file = fileWith(text);
      await untouched(sshd, ["-o", `UserKnownHostsFile=${file}`, ...flags]);
      assert.equal(readFileSync(file, "utf8"), text, flags.join(" "));
      // ssh itself does the same.
      await run("ssh", ["-o", `UserKnownHostsFile=${file}`, ...flags, ...sshd.sshArgs, sshd.host, "true"]);
      assert.equal(readFileSync(file, "utf8"), text, `ssh: ${flags.join(" ")}`);
    }
    const fresh = fileWith("");
    await untouched(sshd, ["-o", `UserKnownHostsFile=${fresh}`, ...update, "-o", "StrictHostKeyChecking=accept-new"]);
    assert.equal(readFileSync(fresh, "utf8").trim().split("\n").length, 1);
    const global = fileWith(`${line}\n`);
    const empty = fileWith("");
    await untouched(sshd, ["-o", `UserKnownHostsFile=${empty}`, "-o", `GlobalKnownHostsFile=${global}`, ...update]);
    assert.equal(readFileSync(empty, "utf8"), "");
  },
);

test("Without -o the user's own known_hosts is kept up to date.", limits, async () => {
  const sshd = await theSshd();
  const home = tempDirectory("home");
  const file = join(home, ".ssh", "known_hosts");
  await run("mkdir", ["-m", "700", dirname(file)]);
  writeFileSync(file, `${known(sshd, 0)}\n`);
  await using program = porthop(await words(sshd, ["-o", "StrictHostKeyChecking=yes"]), { home });
  await program.stderr(/learned the new host key RSA/);
  assert.equal(readFileSync(file, "utf8").trim().split("\n").length, 3);
});

test("With ask a person decides.", limits, async () => {
  const sshd = await theSshd();
  for (const [answer, lines] of [
    ["no", 1],
    ["yes", 3],
  ] as const) {
    const file = fileWith(`${known(sshd, 0)}\n`);
    const { command, env, cwd } = launch(
      await words(sshd, ["-o", `UserKnownHostsFile=${file}`, "-o", "UpdateHostKeys=ask"]),
    );
    await using screen = pty(command, { env, cwd, columns: 200 });
    await screen.screen(/learned the new host key.*Accept updated hostkeys\? \(yes\/no\)/s);
    const mark = screen.send(`${answer}\r`);
    await screen.screen(answer === "yes" ? /RSA SHA256:/ : /its host keys stay known as they were/, { after: mark });
    screen.send("\u0003");
    assert.equal(await screen.exit, 130);
    assert.equal(readFileSync(file, "utf8").trim().split("\n").length, lines, answer);
  }
});

test(
  "Twenty at once lose no line: each learns and forgets keys of its own host, or adds a new one.",
  limits,
  async () => {
    await using servers = new AsyncDisposableStack();
    const rotating = [];
    for (let index = 0; index < 10; index++) {
      rotating.push(servers.use(await startSshd({ hostKeys: ["ed25519", "ecdsa"] })));
    }
    const newcomer = servers.use(await startSshd());
    const start = rotating.flatMap((sshd) => [known(sshd, 0), `[${sshd.host}]:${sshd.port} ${stranger()}`]);
    const other = `other.example ${stranger()}`;
    const file = fileWith(`# first\n${other}\n${start.join("\n")}\n# last`);
    const common = ["-o", `UserKnownHostsFile=${file}`, "-o", "StrictHostKeyChecking=accept-new", ...update];
    const aliases = Array.from({ length: 10 }, (_each, index) => `new${index}.example`);
    const all = [
      ...(await Promise.all(rotating.map((sshd) => words(sshd, common)))),
      ...(await Promise.all(aliases.map((name) => words(newcomer, [...common, "-o", `HostKeyAlias=${name}`])))),
    ];
    const programs = all.map((args) => servers.use(porthop(args)));
    await Promise.all(
      programs.map((program, index) =>
        program.stderr(index < 10 ? /forgot the host key/ : /permanently added/, patience),
      ),
    );
    const lines = readFileSync(file, "utf8").split("\n");
    assert.equal(lines.pop(), "");
    const learned = rotating.flatMap((sshd) => [known(sshd, 0), known(sshd, 1)]);
    const added = aliases.map((name) => `${name} ${newcomer.hostKeys[0]}`);
    assert.deepEqual(lines.sort(), ["# first", "# last", other, ...learned, ...added].sort());
    assert.deepEqual(readdirSync(dirname(file)), ["known_hosts"]);
  },
);

test("Ctrl-C at that question ends porthop.", limits, async () => {
  const sshd = await theSshd();
  const file = fileWith(`${known(sshd, 0)}\n`);
  const { command, env, cwd } = launch(
    await words(sshd, ["-o", `UserKnownHostsFile=${file}`, "-o", "UpdateHostKeys=ask"]),
  );
  await using screen = pty(command, { env, cwd, columns: 200 });
  await screen.screen(/Accept updated hostkeys/);
  screen.send("\u0003");
  assert.equal(await screen.exit, 130);
  assert.equal(readFileSync(file, "utf8"), `${known(sshd, 0)}\n`);
});

const patience = { timeoutMs: 40_000 };

/** The line of its key number `index`. */
function known(sshd: Sshd, index: number): string {
  return `[${sshd.host}]:${sshd.port} ${sshd.hostKeys[index]}`;
}

function fileWith(text: string): string {
  const file = join(tempDirectory("known-hosts"), "known_hosts");
  writeFileSync(file, Buffer.from(text, "latin1"));
  return file;
}

/** A public key that no server has. */
function stranger(): string {
  const file = makeKey(join(tempDirectory("stranger"), "key"));
  return readFileSync(`${file}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
}

/** Runs porthop until it has said `pattern` so many times. */
async function updated(sshd: Sshd, file: string, flags: readonly string[], pattern: RegExp, times: number) {
  await using program = porthop(await words(sshd, [...flags, "-o", `UserKnownHostsFile=${file}`]));
  const all = new RegExp(Array.from({ length: times }, () => pattern.source).join(".*"), "s");
  await program.stderr(all);
  program.signal("SIGTERM");
  return await program.exit;
}

/** Runs porthop until the server's list has come and nothing came of it. */
async function untouched(sshd: Sshd, flags: readonly string[]): Promise<void> {
  await using program = porthop(await words(sshd, ["-vv", ...flags]));
  await program.stderr(/Inbound: GLOBAL_REQUEST \(hostkeys-00@openssh\.com\)/);
  await program.event("ready");
  program.signal("SIGTERM");
  assert.doesNotMatch((await program.exit).stderr, /learned|forgot|hostkeys-prove/);
}

async function words({ host, port, user, keyFile }: Sshd, flags: readonly string[]): Promise<string[]> {
  const own = ["-o", "GlobalKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-i", keyFile, "-F", "none"];
  const forward = ["-L", `${await freePort()}:localhost:1`];
  return ["run", "--json", ...forward, ...flags, ...own, "-p", String(port), `${user}@${host}`];
}
