import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, formatAddress } from "../../../../src/codec/address.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { Bus } from "../../../../src/flow/bus.ts";
import type { Cancel, Inbound, Listener } from "../../../../src/flow/conn.ts";
import { waitingReason } from "../../../../src/forward/uplink/listen-retry.ts";
import { listenThere } from "../../../../src/forward/uplink/there-listener.ts";
import { Uplink } from "../../../../src/forward/uplink/uplink.ts";
import { quiet, stateOf } from "../../../kit/carried-flow.ts";
import { givenPort, type MadeUp, MadeUpSession, uplinkWith } from "../../../kit/made-up-session.ts";
import { connPair } from "../../../kit/memory-conn.ts";
import { refusal } from "../../../kit/refusal.ts";

const { signal } = new AbortController();
const here: Address = { host: "localhost", port: 8080 };
const refused = new PorthopError("forward.refused", "the server does not listen on localhost:8080", { leg: 1 });

/** A wait between two asks. */
interface Pause {
  readonly ms: number;
  readonly cancel: Cancel;
  over(): void;
}

/** One forward that listens there, and what is told of it, one line each. */
class Play {
  readonly uplink = new Uplink<MadeUpSession>();
  readonly came: Inbound[] = [];
  readonly told: string[] = [];
  /** The waits that have begun and are not over. A cancelled one is over. */
  readonly pauses: Pause[] = [];
  readonly bus = new Bus();

  constructor() {
    this.bus.on("error", ({ error }) => this.told.push(`error ${error.code}: ${error.message}`));
    this.bus.on("forward.waiting", ({ forward, reason }) => this.told.push(`${forward} waits: ${reason}`));
    this.bus.on("forward.moved", ({ forward, listen, was }) => {
      this.told.push(`${forward} moved to ${formatAddress(listen)} from ${formatAddress(was)}`);
    });
  }

  listen(listen: Address = here, until: AbortSignal = signal, mayBeRefused = false) {
    const { uplink, bus } = this;
    const again = ({ addresses }: Listener) => this.told.push(`again at ${formatAddress(addresses[0])}`);
    const pause = (ms: number, cancel: Cancel) => this.#pause(ms, cancel);
    const listening = { id: "R1", listen, uplink, bus, again, mayBeRefused, pause };
    return listenThere(listening, (inbound) => this.came.push(inbound), until);
  }

  /** A session stands, and everything that follows of itself has followed. */
  async stands(port: number, madeUp: MadeUp = {}): Promise<MadeUpSession> {
    const session = new MadeUpSession(port, madeUp);
    this.uplink.stands(session);
    await quiet();
    return session;
  }

  /** The wait under way is over, and everything that follows has followed. Returns how long it would have lasted. */
  async waited(): Promise<number | undefined> {
    const [pause] = this.pauses;
    pause?.over();
    await quiet();
    return pause?.ms;
  }

  #pause(ms: number, cancel: Cancel): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        this.pauses.splice(this.pauses.indexOf(pause), 1);
        resolve();
      };
      const pause = { ms, cancel, over };
      this.pauses.push(pause);
      if (cancel.aborted) over();
      else cancel.addEventListener("abort", over, { once: true });
    });
  }
}

/** Refuses what `refuses` says, as a server whose port is taken. */
function stale(refuses: (wanted: Address) => boolean): MadeUp {
  return {
    listen: (wanted) => {
      if (refuses(wanted)) return Promise.reject(refused);
      return Promise.resolve({ addresses: [isAny(wanted) ? { host: "localhost", port: 50_505 } : wanted] });
    },
  };
}

const isAny = (wanted: Address) => "port" in wanted && wanted.port === 0;
const always = stale(() => true);

/** Refuses so many times, then listens. */
function staleFor(times: number): MadeUp {
  let left = times;
  return stale(() => left-- > 0);
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
  assert.deepEqual([second.asked, play.told], [[], []]);
});

test("A first session that is lost before it has answered says nothing of the next, which is asked as the first was.", async () => {
  const play = new Play();
  const first = await play.stands(1, { listen: () => Promise.reject(first.lose()) });
  const listening = play.listen();
  await quiet();
  assert.equal(await stateOf(listening), "pending");
  const second = await play.stands(2);
  await listening;
  assert.deepEqual([first.listening, second.listening, play.told], [[], ["localhost:8080"], []]);
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
  assert.deepEqual(
    [first.asked, second.asked],
    [[...second.asked, "close localhost:8080"], ["listen localhost:8080 for R1"]],
  );
  assert.deepEqual(play.told, ["again at localhost:8080"]);
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

test("A later session that refuses is asked again and again, and it is told once that the forward waits.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  await play.listen();
  first.lose();
  const second = await play.stands(2, staleFor(12));
  const waits: (number | undefined)[] = [];
  for (let ask = 0; ask < 12; ask++) waits.push(await play.waited());
  assert.deepEqual(waits, [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000, 30_000]);
  assert.deepEqual(second.asked, Array(13).fill("listen localhost:8080 for R1"));
  assert.deepEqual(play.told, [`R1 waits: ${waitingReason(here, here)}`, "again at localhost:8080"]);
  assert.deepEqual([second.listening, play.pauses], [["localhost:8080"], []]);
});

test("A port that frees within the first wait is not worth a word.", async () => {
  const play = new Play();
  (await play.stands(1)).lose();
  const [, second] = await Promise.all([play.listen(), play.stands(2)]);
  second.lose();
  await play.stands(3, staleFor(1));
  assert.equal(await play.waited(), 200);
  assert.deepEqual(play.told, ["again at localhost:8080"]);
});

test("A server that will never say yes goes on being asked, twice a minute, and is told of once.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  const listener = await play.listen();
  first.lose();
  const second = await play.stands(2, always);
  for (let ask = 0; ask < 200; ask++) await play.waited();
  assert.deepEqual([second.asked.length, play.told.length, play.pauses[0]?.ms], [201, 1, 30_000]);
  await listener.close();
  await quiet();
  assert.deepEqual([second.asked.length, play.told.length, play.pauses], [201, 1, []]);
});

test("The wait ends with the session that refused, and the next session is asked at once.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  await play.listen();
  first.lose();
  const second = await play.stands(2, always);
  await play.waited();
  await play.waited();
  second.lose();
  await quiet();
  assert.deepEqual([second.asked.length, play.pauses], [3, []]);
  const third = await play.stands(3, staleFor(3));
  for (let ask = 0; ask < 3; ask++) await play.waited();
  assert.deepEqual([third.listening, second.asked.length], [["localhost:8080"], 3]);
  // For the forward it was one outage.
  assert.equal(play.told.filter((line) => line.startsWith("R1 waits")).length, 1);
  third.lose();
  await play.stands(4, staleFor(2));
  await play.waited();
  await play.waited();
  assert.equal(play.told.filter((line) => line.startsWith("R1 waits")).length, 2, "and this is another one");
});

test("A port 0 forward asks for its former number for 10 s, then takes any and says so.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  await play.listen({ host: "localhost", port: 0 });
  first.lose();
  const second = await play.stands(
    2,
    stale((wanted) => !isAny(wanted)),
  );
  const waits: number[] = [];
  while (play.pauses.length > 0) waits.push((await play.waited()) ?? 0);
  assert.deepEqual(waits, [200, 400, 800, 1600, 3200, 3800]);
  assert.deepEqual(
    second.asked.slice(-2),
    [`listen localhost:${givenPort} for R1`, "listen localhost:0 for R1"].slice(-2),
  );
  assert.deepEqual(play.told.slice(1), [
    `R1 moved to localhost:50505 from localhost:${givenPort}`,
    "again at localhost:50505",
  ]);
  second.lose();
  const third = await play.stands(3);
  assert.deepEqual(third.asked, ["listen localhost:50505 for R1"], "people know the new number by now");
  assert.equal(play.told.length, 4);
});

test("Where a first refusal is no end, later sessions are asked, and nothing had moved.", async () => {
  const play = new Play();
  const first = await play.stands(1, always);
  const listener = await play.listen({ host: "localhost", port: 0 }, signal, true);
  assert.equal(listener.refusedBy, refused);
  assert.deepEqual([first.asked.length, play.pauses], [1, []]);
  first.lose();
  const second = await play.stands(2, staleFor(2));
  await play.waited();
  await play.waited();
  assert.deepEqual(
    [second.asked, play.told.slice(1)],
    [Array(3).fill("listen localhost:0 for R1"), ["again at localhost:50505"]],
  );
  await listener.close();
  assert.deepEqual(second.asked.at(-1), "close localhost:50505");
});

test("What is no error of ours is told as a defect, and not asked for again.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  await play.listen();
  first.lose();
  await play.stands(2, { listen: () => Promise.reject(new TypeError("x is not a function")) });
  assert.deepEqual([play.told.length, play.pauses], [1, []]);
  assert.match(play.told[0] ?? "", /^error internal: .*x is not a function/);
});

test("Of several sessions the primary alone listens, and when it is lost the next one does.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  await play.listen();
  const second = await play.stands(2);
  const third = await play.stands(3);
  assert.deepEqual([second.asked, third.asked, play.told], [[], [], []]);
  first.lose();
  await quiet();
  assert.deepEqual([second.asked, third.asked], [["listen localhost:8080 for R1"], []]);
  const one = inboundOf(1000).inbound;
  second.connect("localhost:8080", one);
  assert.equal(play.came[0]?.session, second.leg);
  third.lose();
  await quiet();
  assert.deepEqual([second.listening, play.told], [["localhost:8080"], ["again at localhost:8080"]]);
});

test("A refusal of a session that waits is given up when another one becomes the primary.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  await play.listen();
  first.lose();
  const second = await play.stands(2, always);
  const third = await play.stands(3);
  assert.deepEqual([third.asked, play.pauses.length], [[], 1]);
  second.lose();
  await quiet();
  assert.deepEqual([third.listening, play.pauses], [["localhost:8080"], []]);
});

test("Sessions that come and go quickly leave one listener, and a late yes of an older one is closed.", async () => {
  const play = new Play();
  const first = await play.stands(1);
  await play.listen();
  first.lose();
  const answers = Array.from({ length: 50 }, () => Promise.withResolvers<void>());
  const sessions: MadeUpSession[] = [];
  for (const [index, { promise }] of answers.entries()) {
    const session = new MadeUpSession(index + 2, { listen: (wanted) => promise.then(() => ({ addresses: [wanted] })) });
    play.uplink.stands(session);
    await quiet();
    sessions.push(session);
    // Its loss is known before its answer, and the answer comes all the same.
    if (index < answers.length - 1) session.lose();
    await quiet();
  }
  for (const { resolve } of answers.toReversed()) resolve();
  await quiet();
  assert.deepEqual(
    sessions.map(({ listening }) => listening.length),
    sessions.map((_, index) => (index < sessions.length - 1 ? 0 : 1)),
  );
  assert.deepEqual([play.told, play.pauses], [["again at localhost:8080"], []]);
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
  assert.deepEqual(play.told, []);
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
