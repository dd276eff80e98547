import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Client } from "ssh2";
import type { RekeyLimit } from "../../../src/codec/config/rekey-limit.ts";
import { PorthopError } from "../../../src/errors.ts";
import { LiveLeg } from "../../../src/flow/leg.ts";
import { renewKeys } from "../../../src/ssh/rekeying.ts";
import { watchTransport } from "../../../src/ssh/transport.ts";
import { ChannelPair } from "../../kit/channel-pair.ts";

/** A ready session in the test's hands: bytes pass, packets are counted and time passes when the test says so. */
function session(limit: RekeyLimit | undefined, cipher = "aes128-ctr") {
  const client = new EventEmitter();
  const stream = new PassThrough();
  const packetNumbers = { sent: 7, received: 2 ** 32 - 5 };
  const outgoing = {
    ...{ given: 1000, sent: 0 },
    onGiven(told: () => void) {
      given = told;
    },
    onSent: () => {},
  };
  let given = () => {};
  let asked = 0;
  let alarm: readonly [afterMs: number, ring: () => void] | undefined;
  const ports = {
    client: client as Client,
    rekey: () => void asked++,
    get packetNumbers() {
      return { ...packetNumbers };
    },
  };
  renewKeys(ports, stream, outgoing, limit, cipher, (afterMs, ring) => {
    alarm = [afterMs, ring];
    return () => {
      alarm = undefined;
    };
  });
  /** Asks are made between two turns of the event loop. */
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    ...{ client, packetNumbers },
    /** A chunk that ends no packet which counts. */
    hear: (bytes: number) => void stream.emit("data", { length: bytes }),
    receive(bytes: number) {
      packetNumbers.received = (packetNumbers.received + 1) % 2 ** 32;
      stream.emit("data", { length: bytes });
    },
    give(bytes: number) {
      packetNumbers.sent++;
      outgoing.given += bytes;
      given();
    },
    ring: () => alarm?.[1](),
    get alarmMs() {
      return alarm?.[0];
    },
    async asked() {
      await settled();
      return asked;
    },
  };
}

const bytesOnly = { bytes: 1000, intervalMs: 0 };

test("New keys are asked for once more bytes than the limit were received, and once only.", async () => {
  const play = session(bytesOnly);
  play.receive(1000);
  assert.equal(await play.asked(), 0);
  play.receive(1);
  play.receive(5000);
  assert.equal(await play.asked(), 1);
});

test("New keys are asked for once more bytes than the limit were sent; both directions count for themselves.", async () => {
  const play = session(bytesOnly);
  play.give(600);
  play.receive(600);
  play.give(400);
  assert.equal(await play.asked(), 0);
  play.give(1);
  assert.equal(await play.asked(), 1);
});

test("After a key exchange, ours or the server's, the count begins anew.", async () => {
  const play = session(bytesOnly);
  play.give(1001);
  assert.equal(await play.asked(), 1);
  play.client.emit("handshake");
  play.give(1000);
  assert.equal(await play.asked(), 1);
  play.client.emit("handshake");
  play.give(1000);
  play.receive(1000);
  assert.equal(await play.asked(), 1);
  play.receive(1);
  assert.equal(await play.asked(), 2);
});

for (const [cipher, most] of [
  ["aes128-gcm@openssh.com", 2 ** 36],
  ["aes256-ctr", 2 ** 36],
  ["chacha20-poly1305@openssh.com", 2 ** 30],
  ["3des-cbc", 2 ** 30],
] as const) {
  test(`Keys of ${cipher} are renewed after ${most / 2 ** 30} GiB, whatever the limit allows.`, async () => {
    for (const limit of [undefined, { bytes: 0, intervalMs: 0 }, { bytes: 2 ** 50, intervalMs: 0 }]) {
      const play = session(limit, cipher);
      play.receive(most);
      assert.equal(await play.asked(), 0);
      play.receive(1);
      assert.equal(await play.asked(), 1);
    }
  });
}

test("Keys are renewed after 2^31 packets in one direction, also when the numbers begin again meanwhile.", async () => {
  for (const direction of ["sent", "received"] as const) {
    const play = session(undefined);
    const begin = play.packetNumbers[direction];
    for (const [packets, asked] of [
      [2 ** 31, 0],
      [2 ** 31 + 1, 1],
    ] as const) {
      play.packetNumbers[direction] = (begin + packets) % 2 ** 32;
      play.hear(1);
      assert.equal(await play.asked(), asked, direction);
    }
  }
});

test("Keys are renewed after the time, and the time begins anew with each exchange.", async () => {
  const play = session({ bytes: 0, intervalMs: 30_000 });
  assert.equal(play.alarmMs, 30_000);
  play.receive(1);
  play.ring();
  assert.equal(await play.asked(), 1);
  play.client.emit("handshake");
  assert.equal(play.alarmMs, 30_000);
  play.give(1);
  assert.equal(await play.asked(), 1);
  play.ring();
  assert.equal(await play.asked(), 2);
});

test("A session where nothing passed since its keys were made renews them with the next byte, as ssh does.", async () => {
  const play = session({ bytes: 0, intervalMs: 30_000 });
  play.ring();
  assert.equal(await play.asked(), 0);
  play.receive(1);
  assert.equal(await play.asked(), 1);
});

test("Without traffic keys are renewed once and not for ever, however small the limit is: what ends the exchange counts for nothing.", async () => {
  const play = session({ bytes: 16, intervalMs: 30_000 });
  play.receive(100);
  assert.equal(await play.asked(), 1);
  play.client.emit("handshake");
  play.hear(1200);
  play.ring();
  assert.equal(await play.asked(), 1);
  play.receive(1);
  assert.equal(await play.asked(), 2);
});

test("An idle connection whose time is over twice renews its keys once.", { timeout: 30_000 }, async () => {
  let ring = () => {};
  await using pair = await ChannelPair.open({
    attached(ports, socket) {
      const outgoing = watchTransport(socket, new LiveLeg(2, () => {}), () => new PorthopError("ssh.lost", "over"));
      ports.client.once("ready", () => {
        renewKeys(ports, socket, outgoing, { bytes: 16, intervalMs: 1000 }, "aes128-gcm@openssh.com", (_, act) => {
          ring = act;
          return () => {};
        });
      });
    },
  });
  const renewed = new Promise((resolve) => pair.client.once("handshake", resolve));
  await pair.ports.ping();
  await renewed;
  // ssh2 begins an exchange between two turns of the event loop, and then holds back what is to be sent.
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  await turn();
  ring();
  await turn();
  await turn();
  assert.equal(pair.ports.isHolding, false);
});

test("Where no time is set no clock runs, and none runs on after the session.", async () => {
  assert.equal(session(bytesOnly).alarmMs, undefined);
  const play = session({ bytes: 1000, intervalMs: 5 });
  play.give(2000);
  play.client.emit("close");
  assert.equal(play.alarmMs, undefined);
  play.receive(5000);
  assert.equal(await play.asked(), 0, "a session that is over asks for nothing");
});

test("Data goes through channels and back whole, over several renewals, and channels are opened meanwhile.", {
  timeout: 30_000,
}, async () => {
  let renewals = 0;
  await using pair = await ChannelPair.open({
    attached(ports, socket) {
      const leg = new LiveLeg(2, () => {});
      const outgoing = watchTransport(socket, leg, () => new PorthopError("ssh.lost", "over"));
      ports.client.once("ready", () => {
        ports.client.on("handshake", () => renewals++);
        renewKeys(ports, socket, outgoing, { bytes: 20_000, intervalMs: 0 }, "aes128-gcm@openssh.com");
      });
    },
  });
  const echoed = async (opening = pair.channel()) => {
    const { near, far } = await opening;
    far.pipe(far);
    const sent = randomBytes(300_000);
    near.end(sent);
    const received: Buffer[] = [];
    near.on("data", (chunk: Buffer) => received.push(chunk));
    await new Promise<void>((resolve) => near.on("end", () => resolve()));
    assert.ok(Buffer.concat(received).equals(sent));
  };
  for (let round = 0; round < 3; round++) await echoed();
  const opened = [await pair.channel(), await pair.channel(), await pair.channel()];
  await Promise.all(opened.map((channel) => echoed(Promise.resolve(channel))));
  assert.ok(renewals >= 3, `${renewals} renewals`);
});
