/**
 * `porthop check` against a real sshd: each leg that can fail is named with its cure, the rest is tried all the same, and
 * nothing is left behind. And its screen, as people see it.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { type PorthopEvent, type PorthopOptions, porthop } from "../kit/porthop.ts";
import { pty } from "../kit/pty.ts";
import { rawServer } from "../kit/raw-server.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { type SshServer, startSshServer } from "../kit/ssh-server.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { assertClean, runToEnd } from "./failure.ts";
import { jumpWay } from "./jump-way.ts";
import type { Server } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
const onScreen = { skip: need("sshd", "ssh-keygen", "script", "stty"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

const wayIsGood = ["ok name", "ok tcp", "ok banner", "ok host-key", "ok login"];

test(
  "A forward that works is told from the name to what the target says, and its port is free again.",
  limits,
  async () => {
    const sshd = await theSshd();
    await using smtp = await rawServer((socket) => socket.write("220 mail.example ESMTP \u001b[2J\r\n"));
    const port = await freePort();
    const spec = `${port}:127.0.0.1:${smtp.port}`;
    const told = await runToEnd(["check", "-L", spec, ...sshd.sshArgs, sshd.host]);
    assertClean(told);
    assert.deepEqual([told.code, told.stderr], [0, ""], told.stdout);
    const lines = told.stdout.trimEnd().split("\n");
    for (const [index, pattern] of [
      /^ok {3}leg 2 {2}name +127\.0\.0\.1 is an address \(\d+ ms\)$/,
      /^ok {3}leg 2 {2}tcp +127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+ \(\d+ ms\)$/,
      /^ok {3}leg 2 {2}banner +OpenSSH_\S+ at 127\.0\.0\.1:\d+ \(\d+ ms\)$/,
      /^ok {3}leg 2 {2}host key +ED25519 SHA256:\S{43}, known in \S+known_hosts:1 \(\d+ ms\)$/,
      /^ok {3}leg 2 {2}login +\S+, by publickey \(\S+client_key\) \(\d+ ms\)$/,
      /^ok {3}leg 1 {2}L1 listener +could listen on 127\.0\.0\.1:\d+ and \[::1\]:\d+ \(\d+ ms\)$/,
      /^ok {3}leg 3 {2}L1 target +127\.0\.0\.1:\d+ says "220 mail\.example ESMTP \\x1b\[2J" \(\d+ ms\)$/,
      /^ok {3}all that was tried works: 7 steps in \d+\.\d s$/,
    ].entries()) {
      assert.match(lines[index] ?? "", pattern);
    }
    assert.equal(lines.length, 8);
    assert.equal((await checked(sshd, ["-L", spec])).code, 0, "a second one finds all as the first did");
  },
);

test(
  "Every kind of forward is tried, also when others fail; the first leg that failed is in the closing line.",
  limits,
  async () => {
    const sshd = await theSshd();
    await using echo = await echoServer();
    const closed = await freePort();
    const free = async (rest: string) => `${await freePort()}${rest}`;
    const args = [
      ...["-L", await free(`:127.0.0.1:${closed}`)],
      ...["-L", `${echo.port}:no-such-host.invalid:80`],
      ...["-L", await free(":/run/no-such.sock")],
      ...["-D", await free("")],
      ...["-R", await free(`:127.0.0.1:${echo.port}`)],
      ...["-R", await free(`:127.0.0.1:${closed}`)],
      ...["-R", await free("")],
    ];
    const { code, events, steps } = await checked(sshd, args);
    assert.equal(code, 255);
    assert.deepEqual(steps, [
      ...wayIsGood,
      ...["ok L1 listener", "no L1 target"],
      ...["no L2 listener", "no L2 target"],
      ...["ok L3 listener", "no L3 target"],
      ...["ok D1 listener", "ok D1 dial"],
      ...["ok R1 listener", "ok R1 target"],
      ...["ok R2 listener", "no R2 target"],
      "ok R3 listener",
    ]);
    const failures = events.filter(({ ok, skipped }) => ok === false && skipped === undefined);
    assert.deepEqual(
      failures.map(({ code, leg }) => [code, leg]),
      [
        ["target.refused", 3],
        ["listen.in-use", 1],
        ["target.unreachable", 3],
        ["target.unreachable", 3],
        ["target.refused", 3],
      ],
    );
    assert.match(String(failures[1]?.message), new RegExp(`already in use by \\S+ \\(pid ${process.pid}\\)`));
    for (const { hint } of failures) assert.match(String(hint), /\w/);
    const told = await runToEnd(["check", ...args, ...sshd.sshArgs, sshd.host]);
    assert.match(told.stdout, /\nno {3}leg 3 fails first, at L1 target: 5 of 18 steps failed\n$/);
  },
);

for (const [setting, args, step, code, cure] of [
  ["AllowTcpForwarding no", ["-L", "0:127.0.0.1:1"], "L1 target", "target.prohibited", /AllowTcpForwarding/],
  ["PermitOpen 192.0.2.1:80", ["-L", "0:127.0.0.1:1"], "L1 target", "target.prohibited", /PermitOpen/],
  ["AllowTcpForwarding no", ["-D", "0"], "D1 dial", "target.prohibited", /AllowTcpForwarding/],
  ["PermitListen none", ["-R", "0:127.0.0.1:1"], "R1 listener", "forward.refused", /PermitListen/],
  [
    "AllowStreamLocalForwarding no",
    ["-L", "0:/run/x"],
    "L1 target",
    "target.unreachable",
    /AllowStreamLocalForwarding/,
  ],
] as const) {
  test(`${setting} is told at the ${step}, with the setting that allows it.`, limits, async () => {
    await using sshd = await startSshd({ config: [setting] });
    const [flag, spec] = args;
    const [, ...rest] = spec.split(":");
    const wanted = flag === "-R" ? spec : [await freePort(), ...rest].join(":");
    const { code: exit, events } = await checked(sshd, [flag, wanted]);
    const event = events.find((each) => labelOf(each) === step);
    assert.deepEqual([exit, event?.["ok"], event?.code], [255, false, code], JSON.stringify(events));
    assert.match(String(event?.["hint"]), cure);
  });
}

test(
  "A login that is refused leaves this machine's ends to be tried, and the rest is shown as not tried.",
  limits,
  async () => {
    const sshd = await theSshd();
    await using echo = await echoServer();
    const forwards = ["-L", `${await freePort()}:127.0.0.1:1`, "-R", `0:127.0.0.1:${echo.port}`];
    const { code, steps, events } = await checked(sshd, ["-l", "no-such-user", ...forwards]);
    assert.equal(code, 255);
    assert.deepEqual(steps, [
      ...wayIsGood.slice(0, 4),
      "no login",
      ...["ok L1 listener", "skip L1 target", "skip R1 listener", "ok R1 target"],
    ]);
    const login = events.find(({ step }) => step === "login");
    assert.deepEqual([login?.code, login?.["leg"]], ["ssh.auth-failed", 2]);
    assert.match(String(login?.message), /tried publickey \(\S+\); the server takes publickey/);
  },
);

test("A host key that is not known, and a host that is not there, end the way at their own step.", limits, async () => {
  const sshd = await theSshd();
  const unknown = await checked(sshd, ["-o", "UserKnownHostsFile=/dev/null"]);
  assert.deepEqual([unknown.code, unknown.steps], [255, [...wayIsGood.slice(0, 3), "no host-key", "skip login"]]);
  const nameless = await runToEnd(["check", "--json", "-F", "none", "no-such-host.invalid"]);
  const { steps } = read(nameless.stdout);
  assert.deepEqual(steps, ["no name", "skip tcp", "skip banner", "skip host-key", "skip login"]);
});

test("Each jump host has its own steps, and a ProxyCommand that fails is named.", limits, async () => {
  await using way = await jumpWay(2);
  await using echo = await echoServer();
  const { code, steps } = await checked(way, ["-L", `${await freePort()}:127.0.0.1:${echo.port}`]);
  assert.equal(code, 0);
  assert.deepEqual(steps, [
    ...["ok 1 name", "ok 1 tcp", "ok 1 banner", "ok 1 host-key", "ok 1 login"],
    ...[...wayIsGood.slice(1), "ok L1 listener", "ok L1 target"],
  ]);
  const sshd = await theSshd();
  const failed = await checked(sshd, ["-o", "ProxyCommand=sh -c 'exit 3'"]);
  assert.deepEqual(failed.steps, ["ok proxy-command", "no banner", "skip host-key", "skip login"]);
  assert.match(String(failed.events[1]?.message), /the ProxyCommand ended with code 3/);
});

test("Nothing is left behind: no session, no listener of the server, no socket there, no file.", limits, async () => {
  await using sshd = await startSshd({ config: ["LogLevel DEBUG1"] });
  await using echo = await echoServer();
  const there = await freePort();
  const capture = ["--capture", "left.pcapng"];
  const args = [...capture, "-R", `${there}:127.0.0.1:${echo.port}`, "-R", `/tmp/left.sock:127.0.0.1:${echo.port}`];
  const home = tempDirectory("check-home");
  const { code, steps } = await checked(sshd, args, { home });
  assert.deepEqual(readdirSync(home), []);
  removeTemp(home);
  assert.deepEqual([code, steps.slice(5)], [0, ["ok R1 listener", "ok R1 target", "skip R2 listener", "ok R2 target"]]);
  await sshd.logged(/Received disconnect from \S+ port \d+/);
  assert.match(sshd.log(), new RegExp(`cancel-tcpip-forward .*\\b${there}\\b|cancel_rport_listener.*port ${there}`));
  assert.doesNotMatch(sshd.log(), /streamlocal-forward/);
});

test("Ctrl-C in the middle ends it with 130, and SIGTERM does not look like success.", limits, async () => {
  await using server = await startSshServer({ forward: () => "hang" });
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 255],
  ] as const) {
    const spec = `${await freePort()}:127.0.0.1:1`;
    await using program = porthop(["check", "--json", "-L", spec, ...server.sshArgs, "-l", "anna", server.host]);
    await program.event("check", ({ step }) => step === "listener");
    program.signal(signal);
    const exit = await program.exit;
    assert.deepEqual([exit.code, exit.stderr, program.events.at(-1)?.code], [code, "", code]);
  }
});

for (const columns of [80, 60]) {
  test(
    `At ${columns} columns the screen is aligned, asks for the password, and ends with the cure.`,
    onScreen,
    async () => {
      await using server = await startSshServer({ password: "s3cret" });
      const closed = await freePort();
      const { command, env, home } = checkOf(server, ["-L", `${await freePort()}:127.0.0.1:${closed}`]);
      await using screen = pty(command, { columns, env, cwd: home });
      await screen.screen(/password/);
      screen.send("s3cret\r");
      assert.equal(await screen.exit, 255);
      const lines = screen.text.split(/\r*\n/);
      const own = lines.filter((line) => /^(ok|no|skip) |^ {5}/.test(line));
      for (const line of own) assert.ok(line.length <= columns, `${line.length}: ${line}`);
      assert.ok(
        own.some((line) => /^ok {3}leg 2 {2}login {2}/.test(`${line}  `)),
        screen.text,
      );
      assert.match(
        screen.text,
        columns === 80 ? /no {3}leg 3 {2}L1 target {4}the target/ : /L1 target\r*\n {5}the target/,
      );
      assert.match(screen.text, /\n {5}hint: nothing listens there/);
      assert.match(screen.text, /\nno {3}leg 3 fails first, at L1 target: 1 of 7/);
      assert.ok(!screen.raw.includes("s3cret"), "the password is never shown");
      assert.ok(screen.raw.includes("\u001b[31mno\u001b[39m"), "the mark has its colour");
    },
  );
}

test("With NO_COLOR, and on a dumb terminal, the marks say it all.", onScreen, async () => {
  await using server = await startSshServer({});
  for (const more of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
    const { command, env, home } = checkOf(server, []);
    await using screen = pty(command, { env: { ...env, ...more }, cwd: home });
    assert.equal(await screen.exit, 0);
    assert.match(screen.raw, /^ok {3}leg 2 {2}name/m);
    assert.ok(!screen.raw.includes("\u001b"), JSON.stringify(screen.raw));
  }
});

test("Ctrl-C at the password leaves a clean terminal and 130.", onScreen, async () => {
  await using server = await startSshServer({ password: "s3cret" });
  const { command, env, home } = checkOf(server, []);
  await using screen = pty(command, { env, cwd: home });
  await screen.screen(/password/);
  screen.send("\u0003");
  assert.equal(await screen.exit, 130);
  assert.doesNotMatch(screen.text, /leg 2 fails/);
  // The cursor is shown again after it was hidden.
  assert.ok(screen.raw.lastIndexOf("\u001b[?25h") >= screen.raw.lastIndexOf("\u001b[?25l"));
});

test("A known host is told with its line of known_hosts, and a new one is accepted as run would.", limits, async () => {
  const sshd = await theSshd();
  const file = join(sshd.directory, "accepted_hosts");
  const accepting = ["-o", `UserKnownHostsFile=${file}`, "-o", "StrictHostKeyChecking=accept-new"];
  const keyLine = async () => (await checked(sshd, accepting)).events[3]?.message;
  assert.match(String(await keyLine()), /, new: StrictHostKeyChecking is accept-new$/);
  assert.match(readFileSync(file, "utf8"), /ssh-ed25519/);
  assert.match(String(await keyLine()), /, known in \S+accepted_hosts:1$/);
});

function checkOf(server: SshServer, args: readonly string[]) {
  return launch(["check", ...args, ...server.sshArgs, "-l", "anna", server.host]);
}

/** Runs it with --json. The first value of a setting wins: `args` before the server's own. */
async function checked(server: Server | Sshd, args: readonly string[], options: PorthopOptions = {}) {
  const exit = await runToEnd(["check", "--json", ...args, ...server.sshArgs, server.host], options);
  assertClean(exit);
  return { code: exit.code, stderr: exit.stderr, ...read(exit.stdout) };
}

function read(stdout: string) {
  const all = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as PorthopEvent);
  assert.equal(all.at(-1)?.event, "exit");
  const events = all.filter(({ event }) => event === "check");
  const steps = events.map((event) => {
    const outcome = event["skipped"] === true ? "skip" : event["ok"] === true ? "ok" : "no";
    return `${outcome} ${labelOf(event)}`;
  });
  return { events, steps };
}

function labelOf(event: PorthopEvent): string {
  const whose = event.forward ?? event["hop"];
  return whose === undefined ? String(event["step"]) : `${whose} ${event["step"]}`;
}
