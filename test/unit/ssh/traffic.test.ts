import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { Traffic } from "../../../src/ssh/traffic.ts";

function play() {
  const clock = { ms: 1000 };
  const stream = new PassThrough();
  const told: (() => void)[] = [];
  const outgoing = { given: 500, sent: 500, onGiven: (tell: () => void) => void told.push(tell), onSent: () => {} };
  const traffic = new Traffic(stream, outgoing, () => clock.ms);
  return {
    ...{ traffic, clock, outgoing },
    receive: (bytes: number) => void stream.emit("data", { length: bytes }),
    send(bytes: number) {
      outgoing.given += bytes;
      outgoing.sent = outgoing.given;
      for (const tell of told) tell();
    },
  };
}

test("The server counts as heard when the session begins, and then at each of its bytes.", () => {
  const { traffic, clock, receive } = play();
  assert.equal(traffic.heardMs, 1000);
  clock.ms = 1234;
  assert.equal(traffic.heardMs, 1000);
  receive(1);
  assert.equal(traffic.heardMs, 1234);
});

for (const way of ["receive", "send"] as const) {
  for (const bytesPerMs of [1000, 1_000_000]) {
    test(`A bulk transfer (${way}) of ${bytesPerMs} KB/s shows as one, and half a second after its end it does not.`, () => {
      const played = play();
      const { traffic, clock } = played;
      assert.equal(traffic.waitingBytes, 0, "before");
      for (let ms = 0; ms < 5000; ms += 10) {
        clock.ms += 10;
        played[way](10 * bytesPerMs);
        if (ms < 1000) continue;
        const waiting = traffic.waitingBytes;
        assert.ok(waiting > 200 * bytesPerMs && waiting < 300 * bytesPerMs, `${waiting} bytes`);
      }
      let before = traffic.waitingBytes;
      for (let ms = 0; ms < 500; ms += 10) {
        clock.ms += 10;
        assert.ok(traffic.waitingBytes <= before);
        before = traffic.waitingBytes;
      }
      assert.equal(traffic.waitingBytes, 0, "after");
    });
  }
}

test("Small requests count little, and what waits to be sent counts whole, however long.", () => {
  const { traffic, clock, outgoing, receive } = play();
  for (let count = 0; count < 100; count++) {
    clock.ms += 100;
    receive(200);
    assert.ok(traffic.waitingBytes <= 1000);
  }
  clock.ms += 60_000;
  outgoing.given += 3_000_000;
  assert.equal(traffic.waitingBytes, 3_000_000);
});

test("Bytes of long ago do not count when nobody asked meanwhile.", () => {
  const { traffic, clock, receive } = play();
  receive(1_000_000);
  clock.ms += 60_000;
  assert.equal(traffic.waitingBytes, 0);
});
