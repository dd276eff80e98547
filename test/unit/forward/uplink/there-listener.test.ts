import assert from "node:assert/strict";
import { test } from "node:test";
import type { Address } from "../../../../src/codec/address.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { Bus } from "../../../../src/flow/bus.ts";
import type { Inbound } from "../../../../src/flow/conn.ts";
import { listenThere } from "../../../../src/forward/uplink/there-listener.ts";
import { Uplink } from "../../../../src/forward/uplink/uplink.ts";
import { quiet, stateOf } from "../../../kit/carried-flow.ts";
import { givenPort, type MadeUp, MadeUpSession, uplinkWith } from "../../../kit/made-up-session.ts";
import { connPair } from "../../../kit/memory-conn.ts";
import { refusal } from "../../../kit/refusal.ts";

const { signal } = new AbortController();
const here: Address = { host: "localhost", port: 8080 };
const refused = new PorthopError("forward.refused", "the server does not listen on localhost:8080", { leg: 1 });

/** One forward that listens there, and what is told of it. */
class Play {
  readonly uplink = new Uplink<MadeUpSession>();
  readonly came: Inbound[] = [];
  readonly errors: PorthopError[] = [];
  readonly #bus = new Bus();

  constructor() {
    this.#bus.on("error", ({ error }) => this.errors.push(error));
  }

  listen(listen: Address = here, until: AbortSignal = signal) {
    const { uplink } = this;
    return listenThere({ id: "R1", listen, uplink, bus: this.#bus }, (inbound) => this.came.push(inbound), until);
  }

  /** A session stands, and everything that follows of itself has followed. */
  async stands(port: number, madeUp: MadeUp = {}): Promise<MadeUpSession> {
    const session = new MadeUpSession(port, madeUp);
    this.uplink.stands(session);
    await quiet();
    return session;
  }
}

/** Somebody who connected on the server, and the answer they got. */
function inboundOf(port: number) {
  const origin = { host: "127.0.0.1", port };
  const answer: { refused: PorthopError | undefined } = { refused: undefined };
  const inbound: Inbound = {
    origin,
    leg: { from: origin, to: here, observed: false },
    accept: async () => connPair()[0],
    refuse: (error) => {
      answer.refused = error;
    },
  };
  return { inbound, answer };
}

test("It is asked for with the session that stands, in the forward's name, and shows what the server said.", async () => {
  const play = new Play();
  const remarks = ["others can connect to it"];
  const session = await play.stands(1, { listen: async () => ({ addresses: [here], remarks }) });
  const listener = await play.listen();
  assert.deepEqual(session.asked, ["listen localhost:8080 for R1"]);
  assert.deepEqual([listener.addresses, listener.remarks], [[here], remarks]);
});

test("A first listener that the server refuses is refused with its reason, and no later session is asked.", async () => {
  const play = new Play();
  await play.stands(1, { listen: () => Promise.reject(refused) });
  assert.equal(await refusal(play.listen()), refused);
  const second = await play.stands(2);
  assert.deepEqual([second.asked, play.errors], [[], []]);
});

test("A first session that is lost before it has answered says nothing of the next, which is asked as the first was.", async () => {
  const play = new Play();
  const first = await play.stands(1, { listen: () => Promise.reject(first.lose()) });
  const listening = play.listen();
  await quiet();
  assert.equal(await stateOf(listening), "pending");
  const second = await play.stands(2);
  await listening;
  assert.deepEqual([first.listening, second.listening, play.errors], [[], ["localhost:8080"], []]);
});

test("While there is no session it waits for one, until it is not wanted any more.", async () => {
  const play = new Play();
  const stop = new AbortController();
  const [hasty, patient] = [play.listen({ host: "", port: 1 }, stop.signal), play.listen()];
  const stopped = new PorthopError("cancelled", "stopped by SIGINT");
  stop.abort(stopped);
  assert.equal(await refusal(hasty), stopped);
  assert.equal(await stateOf(patient), "pending");
  const session = await play.stands(1);
  await patient;
  assert.deepEqual(session.asked, ["listen localhost:8080 for R1"]);
});

test("Each session after the first is asked for the same, and what comes in says which one it came by.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  await play.listen();
  const one = inboundOf(1000).inbound;
  first.connect("localhost:8080", one);
  first.lose();
  const second = await play.stands(2);
  const other = inboundOf(2000).inbound;
  second.connect("localhost:8080", other);
  assert.deepEqual(
    play.came.map(({ origin, session }) => [origin, session]),
    [
      [one.origin, first.leg],
      [other.origin, second.leg],
    ],
  );
  assert.deepEqual([first.asked.length, second.asked, play.errors], [2, ["listen localhost:8080 for R1"], []]);
});

test("An inbound goes on as it came: its leg, its answer and its refusal.", async () => {
  const play = new Play();
  const session = await play.stands(1);
  await play.listen();
  const { inbound, answer } = inboundOf(1000);
  session.connect("localhost:8080", inbound);
  const [came] = play.came;
  assert.equal(came?.leg, inbound.leg);
  came?.refuse(refused);
  assert.equal(answer.refused, refused);
});

test("Where any port would do, later sessions are asked for the one that was given; a unix socket for its path.", async () => {
  for (const [listen, asked] of [
    [{ host: "localhost", port: 0 }, `localhost:${givenPort}`],
    [{ path: "/run/a.sock" }, "/run/a.sock"],
  ] as const) {
    const play = new Play();
    const first = await play.stands(1);
    const listener = await play.listen(listen);
    first.lose();
    const second = await play.stands(2);
    assert.deepEqual(second.asked, [`listen ${asked} for R1`]);
    await listener.close();
    assert.deepEqual(second.asked.at(-1), `close ${asked}`);
  }
});

test("A later session that refuses is told of as an error, and the one after it is asked again.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  const listener = await play.listen();
  first.lose();
  const second = await play.stands(2, { listen: () => Promise.reject(refused) });
  assert.deepEqual(play.errors.splice(0), [refused]);
  second.lose();
  const third = await play.stands(3);
  assert.deepEqual([third.listening, play.errors], [["localhost:8080"], []]);
  await listener.close();
  assert.deepEqual(third.listening, []);
});

test("What is no error of ours is told as a defect.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  await play.listen();
  first.lose();
  await play.stands(2, { listen: () => Promise.reject(new TypeError("x is not a function")) });
  assert.deepEqual(
    play.errors.map(({ code, message }) => [code, /x is not a function/.test(message)]),
    [["internal", true]],
  );
});

test("A session that is lost while it is asked is not told of here.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  await play.listen();
  first.lose();
  const asking = Promise.withResolvers<never>();
  const second = await play.stands(2, { listen: () => asking.promise });
  asking.reject(second.lose());
  await quiet();
  assert.deepEqual(play.errors, []);
});

test("A close closes what stands, and no session is asked after it.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  const listener = await play.listen();
  await listener.close();
  first.lose();
  const second = await play.stands(2);
  assert.deepEqual([first.asked.slice(1), second.asked], [["close localhost:8080"], []]);
});

test("A close does not wait for a session that is being asked: what that one gives is closed, and takes nobody.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  const listener = await play.listen();
  first.lose();
  const late = Promise.withResolvers<void>();
  const second = new MadeUpSession(2);
  const { inbound, answer } = inboundOf(1000);
  const slow = Object.assign(second, {
    listen: async (...[wanted, accept]: Parameters<MadeUpSession["listen"]>) => {
      await late.promise;
      // The server has said yes, and somebody is behind it already.
      accept(inbound);
      return { addresses: [wanted] as const, close: async () => void second.asked.push("close") };
    },
  });
  play.uplink.stands(slow);
  await quiet();
  await listener.close();
  late.resolve();
  await quiet();
  assert.deepEqual([second.asked, play.came, answer.refused?.code], [["close"], [], "cancelled"]);
});

test("An uplink that has ended gives no listener, and its reason.", async () => {
  const session = new MadeUpSession();
  const uplink = uplinkWith(session);
  const reason = session.lose();
  uplink.end(reason);
  const listening = listenThere({ id: "R1", listen: here, uplink, bus: new Bus() }, () => assert.fail(), signal);
  assert.equal(await refusal(listening), reason);
});
