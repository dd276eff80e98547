import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { ClientChannel } from "ssh2";
import type { Address } from "../../../../src/codec/address.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { type RemoteOpen, remoteInbound } from "../../../../src/ssh/channel/remote-inbound.ts";
import type { ChannelOpening } from "../../../../src/ssh/ssh2/channel-opening.ts";
import { connPair } from "../../../kit/memory-conn.ts";
import { refusal } from "../../../kit/refusal.ts";

const server = { host: "192.0.2.7", port: 22 };
const lost = new PorthopError("ssh.lost", "lost the session", { leg: 2 });
const refused = new PorthopError("target.refused", "no", { leg: 3 });

/** An open in the test's hands: what is answered is written down. */
function play(open: Partial<RemoteOpen> = {}, goneBy?: PorthopError, answers: Partial<ChannelOpening> = {}) {
  const story: string[] = [];
  const channel = new EventEmitter() as ClientChannel;
  const [conn] = connPair();
  const opening: ChannelOpening = {
    data: {},
    accept: () => {
      story.push("confirm");
      return channel;
    },
    refuse: ({ reason, text }) => void story.push(`fail ${reason} ${text}`),
    ...answers,
  };
  const whole: RemoteOpen = {
    opening,
    originator: { host: "127.0.0.1", port: 40000 },
    listen: { host: "localhost", port: 8080 },
    server,
    over: () => void story.push("over"),
    ...open,
  };
  const inbound = remoteInbound(whole, {
    goneBy,
    adopt: (adopted, origin) => {
      assert.equal(adopted, channel);
      story.push(`adopt ${origin}`);
      return conn;
    },
  });
  return { inbound, story, channel, conn };
}

test("An accept confirms the channel and has it adopted in the same turn, and it is over when the channel is closed.", async () => {
  const { inbound, story, channel, conn } = play();
  const accepted = inbound.accept();
  assert.deepEqual(story, ["confirm", "adopt 127.0.0.1:40000"], "data may be right behind the confirmation");
  assert.equal(await accepted, conn);
  channel.emit("close");
  assert.deepEqual(story.at(-1), "over");
});

test("A refusal is sent once, with its own reason, and none comes after an accept.", async () => {
  const { inbound, story } = play();
  inbound.refuse(refused);
  inbound.refuse(refused);
  assert.deepEqual(story, ["over", "fail 2 Connection refused"]);
  const other = play();
  await other.inbound.accept();
  other.inbound.refuse(refused);
  assert.deepEqual(other.story, ["confirm", "adopt 127.0.0.1:40000"]);
});

test("With the session gone nothing is sent any more, and an accept rejects with the session's reason.", async () => {
  const { inbound, story } = play({}, lost);
  assert.equal(await refusal(inbound.accept()), lost);
  const other = play({}, lost);
  other.inbound.refuse(refused);
  assert.deepEqual([story, other.story], [["over"], ["over"]]);
});

test("A session that ends in this very moment makes an accept reject.", async () => {
  const unusable = () => {
    throw new Error("Instance unusable after fatal error");
  };
  const { inbound, story } = play({}, undefined, { accept: unusable });
  const error = await refusal(inbound.accept());
  assert.deepEqual([error.code, error.leg, story], ["ssh.lost", 2, ["over"]]);
});

const connections: readonly (readonly [
  what: string,
  originator: string,
  listen: Address,
  origin: string,
  to: string,
])[] = [
  ["loopback", "127.0.0.1", { host: "localhost", port: 8080 }, "127.0.0.1", "127.0.0.1"],
  ["IPv6 loopback", "::1", { host: "localhost", port: 8080 }, "::1", "::1"],
  ["mapped IPv4", "::ffff:127.0.0.1", { host: "", port: 8080 }, "127.0.0.1", "127.0.0.1"],
  ["a loopback bind of its own", "127.0.0.1", { host: "127.0.0.9", port: 8080 }, "127.0.0.1", "127.0.0.9"],
  [
    "loopback for a bind address that was not heeded",
    "127.0.0.1",
    { host: "10.0.0.1", port: 8080 },
    "127.0.0.1",
    "127.0.0.1",
  ],
  ["another machine, bind address given", "10.0.0.9", { host: "10.0.0.1", port: 8080 }, "10.0.0.9", "10.0.0.1"],
  ["another machine, all addresses", "10.0.0.9", { host: "", port: 8080 }, "10.0.0.9", server.host],
  ["another machine, all IPv4 addresses", "10.0.0.9", { host: "0.0.0.0", port: 8080 }, "10.0.0.9", server.host],
  ["another machine, by a family that we do not know it by", "fd00::9", { host: "", port: 8080 }, "fd00::9", "::"],
  ["one that sshd cannot tell", "UNKNOWN", { host: "", port: 8080 }, "unknown", server.host],
  ["a lie", "\u001b[2J\n", { host: "", port: 8080 }, "unknown", server.host],
];

for (const [what, host, listen, from, to] of connections) {
  test(`Of leg 1 the origin is what the server says, and where it connected is inferred: ${what}.`, () => {
    const { inbound } = play({ originator: { host, port: 40000 }, listen });
    const origin = { host: from, port: 40000 };
    assert.deepEqual(inbound.origin, origin);
    assert.deepEqual(inbound.leg, { from: origin, to: { host: to, port: 8080 }, observed: false });
  });
}

test("A port that is none is no port.", () => {
  const { inbound } = play({ originator: { host: "10.0.0.9", port: 4_000_000_000 } });
  assert.deepEqual(inbound.origin, { host: "10.0.0.9", port: 0 });
});

test("Of a unix socket on the server nobody knows who connected: its path stands for both ends.", () => {
  const listen = { path: "/run/a.sock" };
  const { inbound } = play({ originator: undefined, listen });
  assert.deepEqual([inbound.origin, inbound.leg], [listen, { from: listen, to: listen, observed: false }]);
});
