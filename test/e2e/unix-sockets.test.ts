/** -L with unix sockets on either side, through a real sshd: what is carried, whose file it is, and what it may not touch. */
import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { payloadOf, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { type Porthop, type PorthopOptions, porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { httpServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";
import { assertCarries, assertHalfCloses, assertTurnedAway } from "./carriage.ts";
import { assertFails } from "./failure.ts";
import { connectAt, freePlace, type Kind, type Place, playAt, spec } from "./place.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen", "tshark", "curl");
const limits = { skip: missing, timeout: 60_000 };
const theSshd = shared(() => startSshd());
const kinds: readonly (readonly [Kind, Kind])[] = [
  ["tcp", "unix"],
  ["unix", "tcp"],
  ["unix", "unix"],
];

for (const [listen, connect] of kinds) {
  test(`From ${listen} to ${connect} 20 MB go each way at once with equal hashes.`, limits, async () => {
    await using target = await playAt(connect);
    await using program = await forward(await freePlace(listen), target.place);
    await using client = await connectAt(program.place);
    await assertCarries(client, await target.accepted());
    const closed = await program.event("flow.close");
    assert.deepEqual([closed.up, closed.down, closed.reason], [20_000_000, 20_000_000, "ended"]);
  });

  test(`From ${listen} to ${connect} each half ends on its own.`, limits, async () => {
    await using target = await playAt(connect);
    await using program = await forward(await freePlace(listen), target.place);
    await using asking = await connectAt(program.place);
    await assertHalfCloses(asking, await target.accepted(0));
    await using asked = await connectAt(program.place);
    await assertHalfCloses(await target.accepted(1), asked);
  });

  test(`From ${listen} to ${connect} where nobody listens is refused, and leg 3 is named.`, limits, async () => {
    const target = await freePlace(connect);
    await using program = await forward(await freePlace(listen), target);
    await assertTurnedAway(program.place);
    const closed = await program.event("flow.close");
    assert.equal(closed.reason, "refused");
    const error = await program.event("error");
    assert.deepEqual([error["leg"], String(error.message).includes(spec(target))], [3, true], String(error.message));
  });

  test(`From ${listen} to ${connect} a client that breaks off breaks the target's connection.`, limits, async () => {
    await using target = await playAt(connect);
    await using program = await forward(await freePlace(listen), target.place);
    const client = await connectAt(program.place);
    const far = await target.accepted();
    await client.send("hello");
    await far.got(5);
    // With something unread, so that a unix socket too tells a break from an end.
    client.pause();
    await far.send("unread");
    await client[Symbol.asyncDispose]();
    await far.received;
    await far.send("nobody is there");
    const closed = await program.event("flow.close");
    assert.equal(closed.forward, "L1");
  });
}

for (const runtime of ["bun", "deno"] as const) {
  test(
    `On ${runtime} a unix listener carries 20 MB each way, for its owner alone, and is gone at the end.`,
    limits,
    async () => {
      await using target = await playAt("unix");
      await using program = await forward(await freePlace("unix"), target.place, [], { runtime });
      assert.equal(modeOf(program.place), 0o600);
      await using client = await connectAt(program.place);
      await assertCarries(client, await target.accepted(), { endsLate: runtime === "deno" });
      await program.event("flow.close");
      program.signal("SIGTERM");
      assert.equal((await program.exit).code, 0);
      assert.equal(existsSync(spec(program.place)), false);
    },
  );
}

test("curl gets a page through a unix socket, and the log says through which.", limits, async () => {
  await using web = await httpServer("a page\n");
  await using program = await forward(await freePlace("unix"), { host: "localhost", port: web.port });
  const told = await run("curl", ["-sS", "--unix-socket", spec(program.place), "http://anything/"]);
  assert.deepEqual([told.code, told.stdout], [0, "a page\n"]);
  const opened = await program.event("flow.open");
  assert.equal(opened["origin"], spec(program.place));
  await program.stderr(new RegExp(`L1#1 ${spec(program.place)} -> localhost:${web.port} up`));
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 0],
] as const) {
  test(`After ${signal} its socket is gone, and a new run has the path again.`, limits, async () => {
    await using target = await playAt("tcp");
    const place = await freePlace("unix");
    for (let round = 0; round < 2; round++) {
      await using program = await forward(place, target.place);
      program.signal(signal);
      assert.equal((await program.exit).code, code);
      assert.equal(existsSync(spec(place)), false);
    }
  });
}

for (const [mask, mode] of [
  ["0177", 0o600],
  ["0117", 0o660],
  ["0000", 0o777],
] as const) {
  test(
    `StreamLocalBindMask=${mask} gives the socket mode ${mode.toString(8)}, and no other file.`,
    limits,
    async () => {
      await using target = await playAt("tcp");
      const args = ["-o", `StreamLocalBindMask=${mask}`, "--capture", "out.pcapng"];
      await using program = await forward(await freePlace("unix"), target.place, args);
      assert.equal(modeOf(program.place), mode);
      assert.equal(lstatSync(join(program.home, "out.pcapng")).mode & 0o777, 0o600);
      assert.equal(umaskOf(program.pid), umaskOf(process.pid));
    },
  );
}

test(
  "A socket that was left behind is an error that says how to get rid of it; with StreamLocalBindUnlink it goes.",
  limits,
  async () => {
    await using target = await playAt("tcp");
    const place = await freePlace("unix");
    await using killed = await forward(place, target.place);
    killed.signal("SIGKILL");
    await killed.exit;
    assert.equal(existsSync(spec(place)), true);
    const sshd = await theSshd();
    const args = ["-L", `${spec(place)}:${spec(target.place)}`, ...sshd.sshArgs, sshd.host];
    await assertFails(args, {
      exit: 255,
      code: "listen.in-use",
      says: [spec(place), "nobody listens any more"],
      hint: /StreamLocalBindUnlink/,
      leg: 1,
    });
    await using program = await forward(place, target.place, ["-o", "StreamLocalBindUnlink=yes"]);
    await using client = await connectAt(program.place);
    await assertHalfCloses(client, await target.accepted());
  },
);

test("A socket on which somebody listens is said to be in use, and by whom, and goes on.", limits, async () => {
  await using other = await playAt("unix");
  const sshd = await theSshd();
  await assertFails(["-L", `${spec(other.place)}:localhost:80`, ...sshd.sshArgs, sshd.host], {
    exit: 255,
    code: "listen.in-use",
    says: [
      process.platform === "linux" ? new RegExp(`: \\S+ \\(pid ${process.pid}\\) listens there$`) : "listens there",
    ],
    leg: 1,
  });
  await using client = await connectAt(other.place);
  await assertHalfCloses(client, await other.accepted(2));
});

test("A file that is no socket is never removed, with StreamLocalBindUnlink neither.", limits, async () => {
  const place = await freePlace("unix");
  writeFileSync(spec(place), "precious");
  const sshd = await theSshd();
  const args = ["-o", "StreamLocalBindUnlink=yes", "-L", `${spec(place)}:localhost:80`, ...sshd.sshArgs, sshd.host];
  await assertFails(args, { exit: 255, code: "listen.in-use", says: ["no socket"], leg: 1 });
  assert.equal(readFileSync(spec(place), "utf8"), "precious");
});

test("A file that took the socket's place meanwhile is not removed at the end.", limits, async () => {
  await using target = await playAt("tcp");
  const place = await freePlace("unix");
  await using program = await forward(place, target.place);
  renameSync(spec(place), `${spec(place)}.moved`);
  writeFileSync(spec(place), "a stranger's");
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
  assert.equal(readFileSync(spec(place), "utf8"), "a stranger's");
});

test("A folder that is missing, a path that is too long: each is told.", limits, async () => {
  const sshd = await theSshd();
  const folder = tempDirectory("unix");
  mkdirSync(join(folder, "there"));
  const login = [...sshd.sshArgs, sshd.host];
  await assertFails(["-L", `${folder}/missing/it.sock:localhost:80`, ...login], {
    exit: 255,
    code: "listen.denied",
    says: [`there is no folder ${folder}/missing`],
    leg: 1,
  });
  const long = `${folder}/${"x".repeat(107)}`;
  const { code, stderr } = await run(builtExecutable(), ["run", "-L", `${long}:localhost:80`, "host"]);
  assert.equal(code, 2);
  assert.match(stderr, /longer than 107 bytes/);
});

test("A capture of a unix listener opens in tshark without a complaint and has every byte.", limits, async () => {
  await using target = await playAt("unix");
  await using program = await forward(await freePlace("unix"), target.place, ["--capture", "out.pcapng"]);
  await using client = await connectAt(program.place);
  await assertHalfCloses(client, await target.accepted());
  await program.event("flow.close");
  program.signal("SIGTERM");
  await program.exit;
  const file = join(program.home, "out.pcapng");
  const opened = await tshark(file, ["--disable-protocol", "ssh", "-q", "-z", "expert,warn"]);
  assert.deepEqual([opened.code, opened.stderr, opened.stdout.trim()], [0, "", ""]);
  for (const leg of ["leg1-app-listener", "leg3-sshd-target"]) {
    assert.equal((await payloadOf(file, leg, "up")).bytes, "a question".length, leg);
    assert.equal((await payloadOf(file, leg, "down")).bytes, "a late answer".length, leg);
  }
});

/** `porthop run -L` from one place to another, waited for. */
async function forward(
  place: Place,
  target: Place,
  args: readonly string[] = [],
  options: PorthopOptions = {},
): Promise<Porthop & { readonly place: Place }> {
  const sshd = await theSshd();
  const words = ["run", "--json", ...args, "-L", `${spec(place)}:${spec(target)}`, ...sshd.sshArgs, sshd.host];
  const program = porthop(words, options);
  await program.event("ready");
  return Object.assign(program, { place });
}

function modeOf(place: Place): number {
  return lstatSync(spec(place)).mode & 0o777;
}

function umaskOf(pid: number): string | undefined {
  return /^Umask:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
}
