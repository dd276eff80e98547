import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { tendSession } from "../../../src/ssh/session-care.ts";
import { Unanswered } from "../../../src/ssh/ssh-failure.ts";
import { watchTransport } from "../../../src/ssh/transport.ts";
import { ChannelPair } from "../../kit/channel-pair.ts";

const timeout = 30_000;
const keepAlive = { keepAliveIntervalMs: 0, keepAliveCountMax: 0 };
const unwatched = { bytes() {}, ended() {}, aborted() {} } as never;

async function tended(serverSoftware: string) {
  let care: ReturnType<typeof tendSession> | undefined;
  let ignores = 0;
  let pings = 0;
  const outgoings: ReturnType<typeof watchTransport>[] = [];
  const pair = await ChannelPair.open({
    attached: (ports, stream) => {
      const counting = { ...ports, client: ports.client, sendIgnore: () => void ignores++ };
      counting.ping = () => {
        pings++;
        return ports.ping();
      };
      const outgoing = watchTransport(stream, unwatched, (error) => error as never);
      outgoings.push(outgoing);
      ports.client.on("ready", () => {
        const facts = { cipher: "aes128-gcm@openssh.com", serverSoftware };
        care = tendSession({ ports: counting, stream, outgoing }, keepAlive, facts);
      });
    },
  });
  if (care === undefined) throw new Error("the session never began");
  return {
    pair,
    care,
    ignores: () => ignores,
    pings: () => pings,
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}

test("A server that gives no sign of life ends the session with that reason, and its connection at once.", {
  timeout,
}, async () => {
  await using played = await tended("OpenSSH_10.1");
  const { pair, care } = played;
  // The server's answers are not read any more.
  pair.clientSocket.pause();
  const failed = new Promise((resolve) => pair.client.on("error", resolve));
  const closed = new Promise<void>((resolve) => pair.client.on("close", () => resolve()));
  care.alive.probe(20);
  assert.ok((await failed) instanceof Unanswered);
  await closed;
  assert.equal(pair.clientSocket.destroyed, true);
});

for (const [software, pings] of [
  ["OpenSSH_7.4", 1],
  ["dropbear_2022.83", 1],
  ["Go", 0],
  ["libssh_0.9.6", 0],
] as const) {
  test(`The round trip is asked for at once of a server that surely answers: ${software} hears ${pings} questions.`, {
    timeout,
  }, async () => {
    await using played = await tended(software);
    assert.equal(played.pings(), pings);
  });
}

for (const [software, answers] of [
  ["OpenSSH_9.2p1", true],
  ["OpenSSH_10.1", false],
] as const) {
  test(`Small packets of ${software} are ${answers ? "" : "not "}answered, and count as signs of life.`, {
    timeout,
  }, async () => {
    await using played = await tended(software);
    const { pair, care } = played;
    const before = care.traffic.heardMs;
    const { near, far } = await pair.channel();
    const got = once(near, "data");
    far.write("x");
    await got;
    const again = once(near, "data");
    far.write("y");
    await again;
    const end = once(near, "end");
    far.end();
    await end;
    assert.ok(care.traffic.heardMs > before);
    assert.equal(played.ignores() > 0, answers);
  });
}
