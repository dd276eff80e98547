import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { run } from "../../../src/cli/run-command.ts";
import { porthop } from "../../kit/porthop.ts";
import { currentRuntime } from "../../kit/runtime.ts";
import { freePort } from "../../kit/servers.ts";
import { startSshServer } from "../../kit/ssh-server.ts";
import { writtenBy } from "../../kit/written.ts";

const timeout = 30_000;
const runtime = currentRuntime;

/** A run that ends by itself: its exit code, what it wrote, and how often the help was shown. */
async function ends(...words: string[]) {
  let code: number | undefined;
  let helps = 0;
  const { stdout, stderr } = await writtenBy(async () => {
    code = await run(words, () => helps++);
  });
  const events = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { event: string; code?: unknown });
  return { code, helps, stderr, stdout, events: events.map(({ event, code }) => `${event} ${code ?? ""}`.trim()) };
}

test("Help is shown and nothing else is done.", async () => {
  const told = await ends("-L", "8080:localhost:80", "--help", "vishnu");
  assert.deepEqual([told.code, told.helps, told.stdout, told.stderr], [0, 1, "", ""]);
});

test("Words that make no sense are one line, a hint and the exit code 2; with --json events as well.", async () => {
  const told = await ends("-Z", "vishnu");
  assert.deepEqual(
    [told.code, told.helps, told.stdout, told.stderr],
    [2, 0, "", "porthop: unknown flag -Z [usage]\n  hint: porthop run --help shows the flags\n"],
  );
  const json = await ends("-Z", "--json", "vishnu");
  assert.deepEqual([json.code, json.events, json.stderr], [2, ["error usage", "exit 2"], told.stderr]);
});

test("Without a forward there is nothing to do, and it is said how one looks.", async () => {
  const told = await ends("vishnu");
  assert.equal(told.code, 2);
  assert.match(
    told.stderr,
    /^porthop: nothing to forward and nothing to run: -L is missing, or a command \[usage\]\n {2}hint: for example: porthop run -L /,
  );
});

test("A server that cannot be reached is told with 255, in words and as events.", { timeout }, async () => {
  const told = await ends("--json", "-F", "none", "-L", "8080:h:1", "-p", String(await freePort()), "127.0.0.1");
  assert.deepEqual([told.code, told.events], [255, ["session", "error ssh.unreachable", "exit 255"]]);
  assert.match(
    told.stderr,
    /^porthop: cannot reach sshd at 127\.0\.0\.1:\d+: connection refused \[ssh\.unreachable\]\n/,
  );
});

test("Keywords that change nothing are warned of, each.", { timeout }, async () => {
  const keywords = ["-o", "VisualHostKey=no", "-o", "ControlMaster=no"];
  const told = await ends(...keywords, "-L", "8080:h:1", "-p", String(await freePort()), "127.0.0.1");
  assert.match(
    told.stderr,
    /^porthop: warning: -o VisualHostKey changes nothing in porthop\nporthop: warning: -o ControlMaster changes nothing in porthop\n/,
  );
  const quiet = await ends("-q", ...keywords, "-L", "8080:h:1", "-p", String(await freePort()), "127.0.0.1");
  assert.match(quiet.stderr, /^porthop: cannot reach/);
});

for (const [signal, code] of [
  ["SIGTERM", 0],
  ["SIGINT", 130],
] as const) {
  test(`It goes on until ${signal}, and ends in order with ${code}.`, { timeout }, async () => {
    await using server = await startSshServer({ banner: "Welcome to vishnu\r\n" });
    const forward = ["-L", `127.0.0.1:${await freePort()}:h:9`];
    await using program = porthop(["run", "--json", ...forward, ...server.sshArgs, server.host], { runtime });
    await program.event("ready");
    program.signal(signal);
    const exit = await program.exit;
    assert.equal(exit.code, code);
    assert.deepEqual(
      program.events.map(({ event, state }) => state ?? event),
      ["connecting", "ready", "listening", "ready", "closed", "exit"],
    );
    assert.match(exit.stderr, /^Welcome to vishnu\nL1 listening on .* -> h:9\nready: press Ctrl-C to stop\n$/);
  });
}

test("A session that is lost ends it with 255, and is told once.", { timeout }, async () => {
  await using server = await startSshServer();
  const forward = ["-L", `127.0.0.1:${await freePort()}:h:9`];
  await using program = porthop(["run", "--json", ...forward, ...server.sshArgs, server.host], { runtime });
  await program.event("ready");
  server.drop();
  const exit = await program.exit;
  assert.equal(exit.code, 255);
  assert.deepEqual(
    program.events.slice(4).map(({ event, state, code }) => state ?? `${event} ${code}`),
    ["lost", "error ssh.lost", "closed", "exit 255"],
  );
  assert.equal(exit.stderr.match(/\[ssh\.lost\]/g)?.length, 1);
});

test("Whatever takes long is said, and can be interrupted.", { timeout }, async () => {
  const silent = createServer((socket) => socket.on("error", () => {}));
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  await using program = porthop(["run", "-L", "8080:h:9", "-F", "none", "-p", String(port), "127.0.0.1"], { runtime });
  await program.stderr(/^connecting to 127\.0\.0\.1 \.\.\.$/m);
  program.signal("SIGINT");
  const { code, stderr } = await program.exit;
  assert.deepEqual([code, stderr], [130, "connecting to 127.0.0.1 ...\n"]);
  silent.close();
});

test("-v tells the negotiation, -vv ssh2's own trace as well.", { timeout }, async () => {
  await using server = await startSshServer();
  for (const [flag, traced] of [
    ["-v", false],
    ["-vv", true],
  ] as const) {
    const forward = ["-L", `127.0.0.1:${await freePort()}:h:9`];
    await using program = porthop(["run", flag, ...forward, ...server.sshArgs, server.host], { runtime });
    await program.stderr(/^ready/m);
    program.signal("SIGTERM");
    const { stderr } = await program.exit;
    assert.match(stderr, /^logged in to \S+@127\.0\.0\.1:\d+ \(curve25519-sha256\S*, \S+, host key SHA256:\S+\)$/m);
    assert.equal(/Handshake|KEXINIT/.test(stderr), traced);
  }
});
