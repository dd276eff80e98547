import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import type { Conn } from "../../../../src/flow/conn.ts";
import { channelDialer } from "../../../../src/ssh/channel/channel-dialer.ts";
import type { Session } from "../../../../src/ssh/session.ts";
import { connPair } from "../../../kit/memory-conn.ts";

const origin = { host: "127.0.0.1", port: 33458 };
const target = { host: "db", port: 5432 };
const { signal } = new AbortController();

/** A session that writes down what is asked of it, and answers with `open`. */
function session(open: () => Promise<Conn>) {
  const asked: unknown[] = [];
  const located = { from: { host: "10.0.0.2", port: 33513 }, to: target };
  const played = {
    locator: {
      dialing(of: unknown) {
        asked.push(["dialing", of]);
        return {
          done: () => void asked.push("done"),
          locate: async () => {
            asked.push("locate");
            return located;
          },
        };
      },
    },
    openChannel(...args: unknown[]) {
      asked.push(["open", ...args]);
      return open();
    },
  };
  return { asked, located, dialer: channelDialer(played as unknown as Session) };
}

test("A target is dialed by the server, through a channel of the session.", async () => {
  const [conn] = connPair();
  const { asked, dialer } = session(async () => conn);
  const dialed = await dialer.dial(target, origin, signal);
  assert.equal(dialed.conn, conn);
  assert.deepEqual(asked, [["dialing", target], ["open", target, origin, signal], "done"]);
});

test("Of leg 3 only the target is known, and that it was not seen; who asks is told what the server knows.", async () => {
  const { asked, located, dialer } = session(async () => connPair()[0]);
  const { leg } = await dialer.dial(target, origin, signal);
  assert.deepEqual([leg.from, leg.to, leg.observed], [undefined, target, false]);
  assert.equal(asked.includes("locate"), false, "nobody has asked yet");
  assert.deepEqual(await leg.locate?.(), located);
});

test("A channel that is refused is refused with the session's own reason, and the dial is over.", async () => {
  const refused = new PorthopError("target.refused", "no", { leg: 3 });
  const { asked, dialer } = session(() => Promise.reject(refused));
  await assert.rejects(dialer.dial(target, origin, signal), (error) => error === refused);
  assert.equal(asked.at(-1), "done");
});
