import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import { type SessionCarrier, SessionChannel } from "../../../../src/ssh/channel/session-channel.ts";
import { CommandPair, plain } from "../../../kit/command-pair.ts";

const fakeCookie = Buffer.alloc(16, 0xab);

test("All that goes with a command is asked for before it, in ssh's order.", async () => {
  await using pair = await CommandPair.open();
  const channel = await pair.channel();
  const terminal = { type: "xterm", rows: 24, columns: 80, modes: { ECHO: 1 } };
  const environment = [["FOO", "bar"] as const];
  const x11 = { protocol: "MIT-MAGIC-COOKIE-1", fakeCookie, screen: 1 };
  await channel.start({ command: "ls -l", terminal, environment, agent: true, x11 }, () => assert.fail());
  assert.deepEqual(pair.requests, [
    ...["env FOO=bar", "pty xterm 24x80", "x11 MIT-MAGIC-COOKIE-1 1", "auth-agent", "exec ls -l"],
  ]);
});

test("Without a command there is a shell.", async () => {
  await using pair = await CommandPair.open();
  await (await pair.channel()).start({ ...plain, command: undefined }, () => assert.fail());
  assert.deepEqual(pair.requests, ["shell"]);
});

test("A refused agent or X11 is told, and the command runs.", async () => {
  await using pair = await CommandPair.open();
  pair.refused.add("auth-agent").add("x11");
  const x11 = { protocol: "MIT-MAGIC-COOKIE-1", fakeCookie, screen: 0 };
  const told: string[] = [];
  await (await pair.channel()).start({ ...plain, agent: true, x11 }, (what) => told.push(what));
  assert.deepEqual(
    told.map((each) => each.split(":")[0]),
    ["forward X11", "forward the agent"],
  );
});

for (const kind of ["exec", "pty"] as const) {
  test(`A refused ${kind} is an error, as in ssh.`, async () => {
    await using pair = await CommandPair.open();
    pair.refused.add(kind);
    const terminal = { type: "xterm", rows: 24, columns: 80, modes: {} };
    await assert.rejects(
      (await pair.channel()).start({ ...plain, terminal }, () => assert.fail()),
      (error) => error instanceof PorthopError && error.code === "forward.refused" && error.leg === 2,
    );
  });
}

test("A server that opens no session is named, with its reason.", async () => {
  await using pair = await CommandPair.open();
  pair.pair.connection.removeAllListeners("session");
  await assert.rejects(
    pair.channel(),
    (error) =>
      error instanceof PorthopError &&
      error.code === "forward.refused" &&
      /^vishnu:22 opened no session for the command: /.test(error.message),
  );
});

test("A channel that the server has closed before the command is an error, and nothing is asked for.", async () => {
  await using pair = await CommandPair.open();
  const { carrier } = pair;
  const ports: SessionCarrier["ports"] = { ...carrier.ports, requestsOn: () => undefined };
  const channel = await SessionChannel.open({ ...carrier, ports }, new AbortController().signal);
  await assert.rejects(
    channel.start({ ...plain, environment: [["FOO", "bar"]], agent: true }, () => assert.fail()),
    (error) =>
      error instanceof PorthopError &&
      error.code === "forward.refused" &&
      error.message === "vishnu:22 did not run the command: it closed the channel",
  );
  assert.deepEqual(pair.requests, []);
});

test("Who does not wait any more gets no channel, and none is left behind.", async () => {
  await using pair = await CommandPair.open();
  const stop = new AbortController();
  const opening = pair.channel(stop.signal);
  const reason = new PorthopError("cancelled", "stopped");
  stop.abort(reason);
  await assert.rejects(opening, reason);
  await assert.rejects(pair.channel(stop.signal), reason);
});

test("On a session that is gone nothing is opened and nothing starts.", async () => {
  await using pair = await CommandPair.open();
  const channel = await pair.channel();
  pair.goneBy = new PorthopError("ssh.lost", "gone");
  await assert.rejects(pair.channel(), pair.goneBy);
  await assert.rejects(
    channel.start(plain, () => assert.fail()),
    pair.goneBy,
  );
});

test("A session that ends while the channel is asked for is lost, and no server has refused anything.", async () => {
  await using pair = await CommandPair.open();
  const lost = new PorthopError("ssh.lost", "the connection was closed");
  const { client, connection } = pair.pair;
  client.once("close", () => {
    pair.goneBy = lost;
  });
  const opened = new Promise<SessionChannel>((resolve) => client.once("end", () => resolve(pair.channel())));
  connection.end();
  await assert.rejects(opened, lost);
});
