import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import { nobody, requestChannel, streamOf } from "../../../../src/ssh/channel/channel-request.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";

const timeout = 30_000;
const never = new AbortController().signal;
const target = { host: "db.internal", port: 5432 };
const answers: number[] = [];
const portsOf = ({ client }: ChannelPair) => ({ client, answeredAfter: (ms: number) => void answers.push(ms) });
const peer = { host: "vishnu", port: 22 };

test("A channel is handed over before anything that came with the answer is read.", { timeout }, async () => {
  await using pair = await ChannelPair.open();
  const heard: string[] = [];
  const asked = requestChannel(portsOf(pair), { peer, goneBy: undefined }, target, nobody, never, (channel) => {
    channel.on("data", (chunk: Uint8Array) => heard.push(String(chunk)));
    return new Promise((resolve) => channel.on("end", resolve));
  });
  const far = await pair.accepted(0);
  far.end("all at once");
  await asked;
  assert.deepEqual(heard, ["all at once"]);
  assert.equal(answers.length, 1);
});

test("Who does not wait any more gets the reason, and the channel that comes too late is closed.", {
  timeout,
}, async () => {
  await using pair = await ChannelPair.open();
  const control = new AbortController();
  const asked = requestChannel(portsOf(pair), { peer, goneBy: undefined }, target, nobody, control.signal, () =>
    assert.fail("it came too late"),
  );
  const reason = new PorthopError("cancelled", "enough");
  control.abort(reason);
  await assert.rejects(asked, reason);
  const far = await pair.accepted(0);
  far.resume();
  await new Promise((resolve) => far.on("close", resolve));
});

test("With the session gone the reason is the session's, and a stream is closed when it is let go of.", {
  timeout,
}, async () => {
  await using pair = await ChannelPair.open();
  const session = { peer, goneBy: undefined as PorthopError | undefined };
  const stream = await requestChannel(portsOf(pair), session, target, nobody, never, streamOf);
  const far = await pair.accepted(0);
  far.resume();
  const closed = new Promise((resolve) => far.on("close", resolve));
  stream.destroy();
  await closed;
  const asked = assert.rejects(requestChannel(portsOf(pair), session, target, nobody, never, streamOf), {
    message: "lost it",
  });
  session.goneBy = new PorthopError("ssh.lost", "lost it", { leg: 2 });
  await pair.break();
  await asked;
});
