/** A lost session is made again: what people read, what scripts get, and when there is no other try. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { type Porthop, porthop } from "../kit/porthop.ts";
import { gone, isAlive, send } from "../kit/processes.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { assertClean } from "./failure.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };

/** The states of the sessions and the tries, in the order in which they came. */
function story({ events }: Porthop): string[] {
  return events.flatMap((event) => {
    if (event.event === "session") return [`${event.state} ${event["id"]} attempt ${event["attempt"]}`];
    return event.event === "reconnect" ? [`reconnect attempt ${event["attempt"]}`] : [];
  });
}

function ready(program: Porthop, id: string) {
  return program.event("session", (event) => event.state === "ready" && event["id"] === id);
}

test("A script gets the loss, the try with its wait and the new session; people read two lines.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await echoServer();
  await using tunnel = await openTunnel(sshd, [target]);
  const { program } = tunnel;
  await sshd.dropSessions();
  await ready(program, "S2");
  assert.deepEqual(story(program), [
    ...["connecting S1 attempt 1", "ready S1 attempt 1", "lost S1 attempt 1", "reconnect attempt 1"],
    ...["connecting S2 attempt 1", "ready S2 attempt 1"],
  ]);
  const { reason, inMs } = await program.event("reconnect");
  assert.match(
    String(reason),
    /^lost the session with 127\.0\.0\.1:\d+: (the connection was closed|connection reset by peer)$/,
  );
  assert.ok(Number(inMs) >= 150 && Number(inMs) <= 200, String(inMs));
  await program.stderr(/^porthop: warning: lost the session .*; trying again in 0\.2 s\nconnected again after \S+ s$/m);
  assert.equal(await echoes(tunnel.port), true);
  const exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assert.equal(exit.stdout.match(/"event":"(listening|ready)"/g)?.length, 2, "no listener was opened anew");
  assertClean(exit);
});

test(
  "Tries that fail are counted, wait longer each time, and stop counting when a session stands.",
  limits,
  async () => {
    await using sshd = await startSshd();
    await using target = await echoServer();
    await using tunnel = await openTunnel(sshd, [target]);
    const { program } = tunnel;
    await sshd.kill();
    const third = await program.event("reconnect", ({ attempt }) => attempt === 4);
    const waits = program.events.filter(({ event }) => event === "reconnect").map(({ inMs }) => Number(inMs));
    for (const [index, inMs] of waits.entries()) {
      const fullMs = 200 * 2 ** index;
      assert.ok(inMs >= 0.75 * fullMs && inMs <= fullMs, `${inMs} of ${fullMs}`);
    }
    assert.match(String(third.reason), /connection refused/);
    await sshd.start();
    const back = await ready(program, "S5").catch(() => program.event("session", (event) => event.state === "ready"));
    assert.ok(Number(back["attempt"]) >= 4, JSON.stringify(back));
    const after = program.events.length;
    await sshd.dropSessions();
    assert.equal((await program.event("reconnect", undefined, { after }))["attempt"], 1);
  },
);

test(
  "With --reconnect never, and by default before the first session, the end comes at once with 255.",
  limits,
  async () => {
    await using sshd = await startSshd();
    await using target = await echoServer();
    await using tunnel = await openTunnel(sshd, [target], { args: ["--reconnect", "never"] });
    await sshd.kill();
    const lost = await tunnel.program.exit;
    assert.equal(lost.code, 255);
    assert.match(
      lost.stderr,
      /^porthop: lost the session with \S+: (the connection was closed|connection reset by peer) \[ssh\.lost\]$/m,
    );
    for (const reconnect of ["never", "auto"]) {
      const forward = ["-L", `${await freePort()}:127.0.0.1:9`, "--reconnect", reconnect, "--json"];
      await using first = porthop(["run", ...forward, ...sshd.sshArgs, sshd.host]);
      const { code, stderr } = await first.exit;
      assert.equal(code, 255);
      assert.match(stderr, /^porthop: cannot reach sshd at .* \[ssh\.unreachable\]$/m);
      assert.deepEqual(story(first), ["connecting S1 attempt 1"]);
    }
  },
);

test(
  "With --reconnect always a server that starts later is waited for, and its listeners open then.",
  limits,
  async () => {
    await using sshd = await startSshd();
    await sshd.kill();
    const port = await freePort();
    await using target = await echoServer();
    const words = ["--reconnect", "always", "-L", `${port}:127.0.0.1:${target.port}`];
    await using program = porthop(["run", "--json", ...words, ...sshd.sshArgs, sshd.host]);
    await program.stderr(/^porthop: warning: cannot reach sshd at \S+: .*refused; trying again in 0\.2 s$/m);
    await assert.rejects(echoes(port), "nobody listens before the first session");
    await sshd.start();
    await program.event("ready");
    await program.stderr(/^connected after \S+ s \(attempt \d+\)$/m);
    assert.equal(await echoes(port), true);
    program.signal("SIGTERM");
    assert.equal((await program.exit).code, 0);
  },
);

test("A command and -W end with their session, whatever was said.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await echoServer();
  for (const [what, words, last] of [
    ["a command", [], ["cat"]],
    ["-W", ["-W", `127.0.0.1:${target.port}`], []],
  ] as const) {
    const always = ["run", "--reconnect", "always", ...words, ...sshd.sshArgs, sshd.host, ...last];
    await using program = porthop(always, { stdin: "pipe" });
    program.stdin.write("anybody there?\n");
    await program.stdout(/anybody there/);
    await sshd.dropSessions();
    const { code, stderr } = await program.exit;
    assert.equal(code, 255, what);
    assert.match(stderr, new RegExp(`--reconnect always has no effect beside ${what}, which cannot begin anew`));
    assert.match(stderr, /^porthop: lost the session with \S+: .* \[ssh\.lost\]$/m);
    assert.doesNotMatch(stderr, /trying again/);
  }
});

test("The process behind -f connects again without a terminal, and says so in the file of -E.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await echoServer();
  const log = join(tempDirectory("log"), "porthop.log");
  const port = await freePort();
  const words = ["-f", "-E", log, "-L", `${port}:127.0.0.1:${target.port}`];
  await using program = porthop(["run", ...words, ...sshd.sshArgs, sshd.host]);
  const { code, stderr } = await program.exit;
  assert.equal(code, 0, stderr);
  const pid = Number(/pid (\d+)/.exec(stderr + readFileSync(log, "utf8"))?.[1]);
  await sshd.dropSessions();
  // The forward waits for the new session.
  assert.equal(await echoes(port), true);
  const text = readFileSync(log, "utf8");
  assert.match(
    text,
    /Z porthop: warning: lost the session with \S+: (the connection was closed|connection reset by peer); trying again in 0\.2 s$/m,
  );
  assert.match(text, /Z connected again after \S+ s$/m);
  assert.ok(isAlive(pid));
  send([pid], "SIGTERM");
  await gone([pid]);
});
