/**
 * porthop started in a folder that somebody else has filled: nothing in it or above it is run, and the executable does not
 * even ask for a file there, except for those that the words or the configuration name.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { bundleIn, bundleInputs, leftForRunTime } from "../kit/bundle.ts";
import { builtExecutable } from "../kit/executable.ts";
import { type LaunchOptions, launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { Porthop } from "../kit/porthop.ts";
import { pty } from "../kit/pty.ts";
import { run } from "../kit/run.ts";
import { scriptCommand } from "../kit/runtime.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { watched } from "../kit/strace.ts";
import { tempDirectory } from "../kit/temp.ts";
import { type HostilePlace, hostilePlace } from "./hostile-place.ts";

const executable = builtExecutable();
const plain = { timeout: 60_000 };
const limits = { ...plain, skip: need("strace", "sshd", "ssh-keygen") };
const onScreen = { ...plain, skip: need("strace", "script", "stty") };
const theSshd = shared(() => startSshd());

/** All that the executable still looks up, and all that porthop and the packages ask for in their source. */
async function names(): Promise<readonly string[]> {
  const { names: left } = leftForRunTime(...bundleIn(executable));
  const written = (await bundleInputs()).flatMap(({ imports }) => imports);
  return [...new Set([...left, ...written])];
}

/** Runs it in the place under strace. Its home and its temporary files are elsewhere. */
async function watch(place: HostilePlace, args: readonly string[], options: LaunchOptions = {}) {
  const trace = join(tempDirectory("trace"), "trace");
  const launched = launch(args, { cwd: place.folder, env: { TMPDIR: tempDirectory("tmp") }, ...options });
  await using program = new Porthop({ ...launched, command: watched(launched.command, trace) }, options);
  const exit = await program.exit;
  return { exit, trace };
}

test("No name is left in the executable that would be looked up in the user's folder.", plain, () => {
  const { names: left, computed } = leftForRunTime(...bundleIn(executable));
  assert.ok(left.includes("child_process"), "the bundle was read");
  assert.deepEqual(
    left.filter((name) => !isBuiltin(name)),
    [],
  );
  // The file of a plugin that the user names, by its whole path (plugin-list.ts).
  assert.deepEqual(
    computed.filter((expression) => !expression.startsWith("`file:")),
    [],
  );
  assert.equal(computed.length, 1);
});

test(
  "The traps are such that a program which leaves names for later falls into them, and is seen to.",
  limits,
  async () => {
    const place = hostilePlace(["cpu-features", "./crypto/build/Release/sshcrypto.node"], { settings: true });
    const folder = tempDirectory("careless");
    const source = join(folder, "careless.ts");
    const asking = ["cpu-features", "./crypto/build/Release/sshcrypto.node"].map(
      (name) => `try { require(${JSON.stringify(name)}); } catch {}\n`,
    );
    writeFileSync(source, asking.join(""));
    const [bun = ""] = scriptCommand("bun", "");
    const flags = ["--compile", "--external=cpu-features", "--external=*.node", `--outfile=${folder}/careless`];
    assert.equal((await run(bun, ["build", source, ...flags], { cwd: folder })).code, 0);
    const [program = "", ...args] = watched([join(folder, "careless")], join(folder, "trace"));
    await run(program, args, { cwd: place.folder, env: { PATH: process.env["PATH"], HOME: folder } });
    const sprung = place.sprung().map((file) => file.slice(place.folder.length + 1));
    assert.deepEqual(sprung, ["preload.js", "node_modules/cpu-features/index.js"]);
    const asked = place.asked(join(folder, "trace")).join("\n");
    assert.match(asked, /sshcrypto\.node/);
    assert.match(asked, /\.env/);
  },
);

/** Before it loads any plugin's file Bun lists the working folder and those above it; it opens nothing in them. */
const listing = /\bopenat\(.*O_DIRECTORY\)/;

const unreachable = ["-F", "none", "-L", "18080:a:1", "-p", "1", "x@127.0.0.1"];

for (const [words, code] of [
  [["--version"], 0],
  [["--help"], 0],
  [["--licenses"], 0],
  [["plugins"], 0],
  [["command", "--format", "systemd", "-L", "18080:a:1", "x@127.0.0.1"], 0],
  [["explain", "ssh -L 18080:a:1 x@127.0.0.1"], 0],
  [["run", ...unreachable], 255],
  [["check", ...unreachable], 255],
  [["demo"], 0],
] as const) {
  test(`porthop ${words.slice(0, 3).join(" ")} asks for no file of the folder it is started in.`, limits, async () => {
    const place = hostilePlace(await names(), { settings: true });
    const { exit, trace } = await watch(place, words);
    assert.equal(exit.code, code, exit.stderr);
    assert.deepEqual(place.asked(trace), []);
    assert.deepEqual(place.sprung(), []);
  });
}

test("A forward that is tried with a real server asks for no file there.", limits, async () => {
  const sshd = await theSshd();
  await using target = await echoServer();
  const place = hostilePlace(await names(), { settings: true });
  const forward = `${await freePort()}:127.0.0.1:${target.port}`;
  const { exit, trace } = await watch(place, ["check", "-L", forward, ...sshd.sshArgs, sshd.host]);
  assert.equal(exit.code, 0, exit.stdout);
  assert.deepEqual([place.asked(trace), place.sprung()], [[], []]);
});

test("Without a PATH no program is looked for there.", limits, async () => {
  const sshd = await theSshd();
  const place = hostilePlace(await names(), { settings: true });
  const env = { PATH: undefined, DISPLAY: ":99" };
  const { exit, trace } = await watch(place, ["run", "-X", ...sshd.sshArgs, sshd.host, "true"], { env });
  assert.equal(exit.code, 0, exit.stderr);
  assert.match(readFileSync(trace, "utf8"), /\/xauth"/, "one is looked for elsewhere");
  assert.deepEqual([place.asked(trace), place.sprung()], [[], []]);
});

test("The wizard asks for no file of the folder it is started in.", onScreen, async () => {
  const place = hostilePlace(await names(), { settings: true });
  const trace = join(tempDirectory("trace"), "trace");
  const { command, env } = launch(["wizard"]);
  await using screen = pty(watched(command, trace), { env, cwd: place.folder });
  await screen.screen(/What do you want to do\?/);
  screen.send("\u0003");
  assert.equal(await screen.exit, 130);
  assert.deepEqual([place.asked(trace), place.sprung()], [[], []]);
});

test("Of the files there only those are asked for that the words name.", limits, async () => {
  const place = hostilePlace(await names(), { settings: true });
  const [plugin, capture] = [join(place.folder, "mine.ts"), join(place.folder, "out.pcapng")];
  writeFileSync(plugin, 'export default { name: "mine", about: "", setup: () => (flow, next) => next() };\n');
  const { exit, trace } = await watch(place, ["run", "--use", "./mine.ts", "--capture", "out.pcapng", ...unreachable]);
  assert.match(exit.stderr, /packets in out\.pcapng/);
  const asked = place.asked(trace, [plugin, capture]);
  assert.deepEqual(
    asked.filter((line) => !listing.test(line)),
    [],
  );
  assert.deepEqual(place.sprung(), []);
});

for (const [what, flags, inHome] of [
  ["~/.ssh/config", [], "config"],
  ["an included file", [], "included"],
  ["the file of -F", ["-F", "../there/work"], undefined],
] as const) {
  test(
    `A plugin and a capture of ${what} are those beside it, and not those of the folder it is started in.`,
    limits,
    async () => {
      const place = hostilePlace(["./mine.js"], { settings: true });
      const home = tempDirectory("home");
      const beside = inHome === undefined ? join(dirname(place.folder), "there") : join(home, ".ssh");
      mkdirSync(beside, { mode: 0o700 });
      const own = "IgnoreUnknown Porthop*\nPorthopUse ./mine.js\nPorthopCapture out.pcapng\n";
      writeFileSync(join(beside, inHome ?? "work"), own, { mode: 0o600 });
      if (inHome === "included") writeFileSync(join(beside, "config"), "Include included\n", { mode: 0o600 });
      const plugin =
        'export default (kit) => ({ name: "mine", about: "", setup(host) { host.log.warn("beside it"); return (f, next) => next(); } });\n';
      writeFileSync(join(beside, "mine.js"), plugin);
      const { exit, trace } = await watch(place, ["run", ...flags, "-L", "18080:a:1", "-p", "1", "x@127.0.0.1"], {
        home,
      });
      assert.match(exit.stderr, /mine: beside it/);
      assert.ok(existsSync(join(beside, "out.pcapng")), exit.stderr);
      const named = ["work", "mine.js", "out.pcapng"].map((name) => join(beside, name));
      assert.deepEqual(
        place.asked(trace, named).filter((line) => !listing.test(line)),
        [],
      );
      assert.deepEqual(place.sprung(), []);
    },
  );
}

for (const runtime of ["bun", "deno"] as const) {
  test(`As source, on ${runtime}, nothing is run that lies in the folder it is started in.`, plain, async () => {
    // A bunfig.toml and an .env are read by the runtime itself, before porthop is (src/io/README.md).
    const place = hostilePlace(await names(), { settings: false });
    for (const words of [["--version"], ["check", ...unreachable], ["demo"]]) {
      const options = { runtime, cwd: place.folder, env: { TMPDIR: tempDirectory("tmp") } };
      await using program = new Porthop(launch(words, options), options);
      const exit = await program.exit;
      assert.equal(exit.code, words[0] === "check" ? 255 : 0, exit.stderr);
      assert.deepEqual(place.sprung(), []);
    }
    rmSync(place.folder, { recursive: true });
  });
}
