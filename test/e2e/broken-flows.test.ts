/**
 * What becomes of open flows when their session dies: the end that porthop holds here is reset, whatever went on in the
 * flow, and never ended as if all had come.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { type Porthop, porthop } from "../kit/porthop.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import type { TcpEnd } from "../kit/tcp-end.ts";
import { type FaultyLine, freeze, startLine } from "./faulty-line.ts";
import { connectAt, freePlace, type Kind, type Place, playAt, spec, type Target } from "./place.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 90_000 };
const kinds = ["-L", "-R"] as const;

/** A forward that is up. `open` is a new flow: its end here, at porthop, and its end at the server. */
interface Scene extends AsyncDisposable {
  readonly program: Porthop;
  open(): Promise<Flow>;
}

interface Flow {
  readonly near: TcpEnd;
  readonly far: TcpEnd;
}

async function startScene(
  line: FaultyLine,
  kind: (typeof kinds)[number],
  { args = [], place = "tcp" }: { readonly args?: readonly string[]; readonly place?: Kind } = {},
): Promise<Scene> {
  const target: Target = await playAt(place);
  const listener: Place = await freePlace(place);
  const forward = [kind, `${spec(listener)}:${spec(target.place)}`];
  const program = porthop(["run", "--json", ...forward, ...args, ...line.login.sshArgs, line.login.host]);
  const clients: TcpEnd[] = [];
  await program.event("ready");
  return {
    program,
    async open() {
      const client = await connectAt(listener);
      const accepted = await target.accepted(clients.length);
      clients.push(client);
      return kind === "-L" ? { near: client, far: accepted } : { near: accepted, far: client };
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.reset();
      await program[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

/** Flows in each state in which half a file could look whole, and what their end here must hear. */
async function openAll({ open }: Scene): Promise<() => Promise<void>> {
  const [idle, reading, writing, asked, answered] = [
    await open(),
    await open(),
    await open(),
    await open(),
    await open(),
  ];
  // Bytes wait in every buffer on the way to an end that does not read.
  reading.near.pause();
  const sending = [reading.far.send(randomChunks(100_000_000, 1))];
  writing.far.pause();
  sending.push(writing.near.send(randomChunks(100_000_000, 2)));
  // It has asked and ended its half, and the answer has begun.
  await asked.near.send("question");
  asked.near.end();
  await asked.far.received;
  await asked.far.send(randomChunks(100_000, 3));
  await asked.near.got(100_000);
  // The other side has said all, and hears on.
  await answered.far.send("that is all");
  answered.far.end();
  await answered.near.received;
  await answered.near.send("but");
  await answered.far.got(3);
  return async () => {
    reading.near.resume();
    for (const { near } of [idle, reading, writing, asked]) assert.equal((await near.received).ended, false);
    await Promise.all([idle, reading, writing, asked, answered].map(({ near }) => near.broken()));
    for (const { far } of [reading, writing]) far.reset();
    await Promise.all(sending);
  };
}

const losses: Readonly<Record<string, (line: FaultyLine) => unknown>> = {
  "sshd is killed": ({ sshd }) => sshd.kill(),
  "sshd is stopped in good order": ({ sshd }) => sshd.stop(),
  "the session's processes are killed": ({ sshd }) => sshd.dropSessions(),
  "the connection is reset": ({ relay }) => relay.cut(),
  "the connection is ended by FIN": ({ relay }) => relay.finish(),
  "sshd freezes": freeze,
  "the path swallows everything": ({ relay }) => relay.swallow(),
};

for (const kind of kinds) {
  for (const [what, lose] of Object.entries(losses)) {
    test(`When ${what}, each open flow of ${kind} is reset here, in the midst of whatever.`, limits, async () => {
      await using line = await startLine();
      await using scene = await startScene(line, kind, { args: ["-o", "ServerAliveInterval=1"] });
      const assertBroken = await openAll(scene);
      await lose(line);
      await assertBroken();
      for (const number of [1, 2, 3, 4, 5]) {
        const { reason } = await scene.program.event(
          "flow.close",
          ({ flow }) => flow?.endsWith(`1#${number}`) === true,
        );
        assert.equal(reason, "aborted");
      }
    });
  }

  test(`When the grace of a stop is over, each open flow of ${kind} is reset here.`, limits, async () => {
    await using line = await startLine();
    await using scene = await startScene(line, kind, { args: ["--grace", "200ms"] });
    const assertBroken = await openAll(scene);
    scene.program.signal("SIGTERM");
    await assertBroken();
    assert.equal((await scene.program.exit).code, 0);
  });

  test(
    `An answer of ${kind} that a slow stage still holds when the session dies does not end as if it were whole.`,
    limits,
    async () => {
      await using line = await startLine();
      await using scene = await startScene(line, kind, { args: ["--use", "limit:rate=100KB/s"] });
      const { near, far } = await scene.open();
      await far.send(randomChunks(200_000, 4));
      far.end();
      await near.got(20_000);
      line.relay.cut();
      const { ended, bytes } = await near.received;
      assert.equal(ended, false);
      assert.ok(bytes < 200_000);
    },
  );

  test(
    `What had come whole through ${kind} is passed on whole, also by a slow stage after the session died.`,
    limits,
    async () => {
      await using line = await startLine();
      await using scene = await startScene(line, kind, { args: ["--use", "limit:rate=100KB/s"] });
      const { near, far } = await scene.open();
      near.end();
      await far.received;
      await far.send(randomChunks(100_000, 5));
      far.end();
      // The rest is in the stage by now: the server closes the channel when both sides have ended.
      await near.got(30_000);
      line.relay.cut();
      assert.deepEqual(await near.received, { ...(await sumOf(randomChunks(100_000, 5))), ended: true });
    },
  );
}

test(
  "On a unix socket who is still sending hears of a break; to who only reads it is an end, for want of a reset.",
  limits,
  async () => {
    await using line = await startLine();
    await using scene = await startScene(line, "-L", { place: "unix" });
    const [writing, reading] = [await scene.open(), await scene.open()];
    writing.far.pause();
    const sending = writing.near.send(randomChunks(100_000_000, 6));
    await reading.far.send("half of it");
    await reading.near.got(10);
    line.relay.cut();
    await writing.near.broken();
    await sending;
    await reading.near.received;
    for (const number of [1, 2]) {
      const { reason } = await scene.program.event("flow.close", ({ flow }) => flow === `L1#${number}`);
      assert.equal(reason, "aborted", "the log says what the socket cannot");
    }
  },
);

for (const kind of kinds) {
  test(
    `What the server of ${kind} had not passed on of a flow that had ended is said to be lost with its session.`,
    limits,
    async () => {
      await using line = await startLine();
      await using scene = await startScene(line, kind, { place: "unix" });
      const { near, far } = await scene.open();
      far.end();
      far.pause();
      await near.received;
      // More than the kernel holds for a unix socket that is not read, and less than sshd's window.
      await near.send(randomChunks(1_500_000, 7));
      near.end();
      assert.equal((await scene.program.event("flow.close")).reason, "ended");
      line.relay.cut();
      await scene.program.stderr(
        /warning: the last bytes of 1 connection may be lost: the session was lost before the server had/,
      );
      far.resume();
      assert.ok((await far.received).bytes < 1_500_000);
    },
  );
}

test("A stop during an outage resets who waits for the session, and ends at once.", limits, async () => {
  await using line = await startLine();
  await using scene = await startScene(line, "-L");
  const { near, far } = await scene.open();
  // A flow whose dial has no answer yet would wait for the next session.
  await far.send("hello");
  await near.got(5);
  await line.relay.refuse();
  line.relay.cut();
  assert.equal((await near.received).ended, false);
  await scene.program.event("reconnect");
  const where = (await scene.program.event("listening"))["listen"];
  const port = Number(String(where).replace(/^.*:/, ""));
  const waiting = await connectAt({ host: "127.0.0.1", port });
  await waiting.send("anybody there?");
  scene.program.signal("SIGTERM");
  assert.equal((await waiting.received).ended, false);
  assert.equal((await scene.program.exit).code, 0);
});
