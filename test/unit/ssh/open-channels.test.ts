import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import type { RemoteCommand } from "../../../src/ssh/channel/remote-command.ts";
import { cutOff, OpenChannels } from "../../../src/ssh/open-channels.ts";
import { ChannelPair } from "../../kit/channel-pair.ts";
import { refusal } from "../../kit/refusal.ts";

const timeout = 30_000;
const lost = new PorthopError("ssh.lost", "lost the session", { leg: 2 });
const carrier = { goneBy: undefined, congestion: () => undefined };

test("What is open breaks when the session is lost: connections and commands, and none that has ended.", {
  timeout,
}, async () => {
  await using pair = await ChannelPair.open();
  const open = new OpenChannels(carrier);
  const [going, over] = [await pair.channel(), await pair.channel()];
  const conn = open.adopt(going.near, "db:5432", 3);
  open.adopt(over.near, "web:80", 3);
  const closed = once(over.near, "close");
  over.far.close();
  await closed;
  const aborted: string[] = [];
  const command = (name: string, ended: Promise<unknown>) =>
    ({ ended, abort: () => void aborted.push(name) }) as Partial<RemoteCommand> as RemoteCommand;
  open.hold(command("runs", new Promise(() => {})));
  open.hold(command("is over", Promise.resolve()));
  await Promise.resolve();
  open.abort(lost);
  assert.equal(await refusal(conn.read()), lost);
  assert.deepEqual(aborted, ["runs"]);
});

test("A jump host that stands keeps nothing of the sessions that went through it before.", { timeout }, async () => {
  const open = new OpenChannels(carrier);
  const [over, going] = [new PassThrough(), new PassThrough()];
  for (const stream of [over, going]) open.holdStream(stream);
  const closed = once(over, "close");
  over.destroy();
  await closed;
  let destroyed = 0;
  over.destroy = () => {
    destroyed += 1;
    return over;
  };
  open.abort(lost);
  assert.deepEqual([destroyed, going.destroyed], [0, true]);
  assert.equal(open.undelivered, 0);
});

test("A channel that both sides have ended is undelivered until the server has closed it.", { timeout }, async () => {
  await using pair = await ChannelPair.open();
  const open = new OpenChannels(carrier);
  const { near, far } = await pair.channel();
  const conn = open.adopt(near, "db:5432", 3);
  await open.delivered();
  assert.equal(open.undelivered, 0, "it has not ended");
  await conn.end();
  far.resume();
  far.end();
  assert.equal(await conn.read(), undefined);
  await open.delivered();
  assert.equal(open.undelivered, 0);
});

test("What was not passed on is told with how many it is of.", () => {
  assert.equal(cutOff(1, "it stopped"), "the last bytes of 1 connection may be lost: it stopped");
  assert.equal(cutOff(2, "it stopped"), "the last bytes of 2 connections may be lost: it stopped");
});
