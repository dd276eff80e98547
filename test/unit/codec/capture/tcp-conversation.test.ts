import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RecentSums } from "../../../../src/codec/capture/recent-sums.ts";
import {
  type ConversationFacts,
  type SentFrame,
  TcpConversation,
  type TcpDirection,
} from "../../../../src/codec/capture/tcp-conversation.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { bytesOf } from "../../../kit/block-paper.ts";
import { type ReadFrame, readFrame } from "../../../kit/wire-reader.ts";

interface Sent extends ReadFrame {
  readonly direction: TcpDirection;
  readonly comment: string | undefined;
}

const origin = { host: "127.0.0.1", port: 33458 };
const target = { host: "127.0.0.1", port: 5432 };
const sequences = { up: 1000, down: 5000 };

/** A conversation that keeps the frames of all that it was told; every one is proven to be well-formed. */
class Recorded {
  readonly sent: Sent[] = [];
  readonly #tcp: TcpConversation;

  constructor(facts: Partial<ConversationFacts>) {
    this.#tcp = new TcpConversation({ leg: 1, from: origin, to: target, sequences, ...facts });
  }

  get ended(): boolean {
    return this.#tcp.ended;
  }

  open(comment?: string): void {
    this.#keep(this.#tcp.open(comment));
  }

  refused(comment?: string, rstComment?: string): void {
    this.#keep(this.#tcp.refused(comment, rstComment));
  }

  data(way: TcpDirection, slices: readonly Uint8Array[]): void {
    this.#keep(this.#tcp.data(way, slices));
  }

  /** How many frames were lost. */
  skip(way: TcpDirection, bytes: number): number {
    const { frames, lost } = this.#tcp.skip(way, bytes);
    this.#keep(frames);
    return lost;
  }

  end(way: TcpDirection): void {
    this.#keep(this.#tcp.end(way));
  }

  abort(by: TcpDirection, comment?: string): void {
    this.#keep(this.#tcp.abort(by, comment));
  }

  #keep(frames: readonly SentFrame[]): void {
    for (const { frame, ...of } of frames) this.sent.push({ ...readFrame([bytesOf(frame)]), ...of });
  }
}

function recorded(facts: Partial<ConversationFacts> = {}): { tcp: Recorded; sent: Sent[] } {
  const tcp = new Recorded(facts);
  return { tcp, sent: tcp.sent };
}

/** `up SA 1000/5001 +3`: direction, flags, numbers, payload. */
function told(sent: readonly Sent[]): string[] {
  return sent.map(({ direction, flags, sequence, acknowledgement, payload }) => {
    const bytes = payload.length === 0 ? "" : ` +${payload.length}`;
    return `${direction} ${flags} ${sequence}/${acknowledgement}${bytes}`;
  });
}

const handshake = ["up S 1000/0", "down SA 5000/1001", "up A 1001/5001"];
const hello = [Buffer.from("hello")];

test("Opening is SYN, SYN-ACK, ACK, and the SYN carries the comment", () => {
  const { tcp, sent } = recorded();
  tcp.open("porthop flow=L1#17 leg=1");
  assert.deepEqual(told(sent), handshake);
  assert.deepEqual(
    sent.map(({ comment }) => comment),
    ["porthop flow=L1#17 leg=1", undefined, undefined],
  );
  assert.deepEqual(
    sent.map(({ sourcePort, sourceMac }) => [sourcePort, sourceMac]),
    [
      [33458, "027068010001"],
      [5432, "027068010002"],
      [33458, "027068010001"],
    ],
  );
});

test("A chunk is one segment and at once one acknowledgement from the other side", () => {
  const { tcp, sent } = recorded();
  tcp.open();
  tcp.data("up", hello);
  tcp.data("down", [Buffer.from("a"), Buffer.from("bc")]);
  assert.deepEqual(told(sent.slice(3)), [
    "up PA 1001/5001 +5",
    "down A 5001/1006",
    "down PA 5001/1006 +3",
    "up A 1006/5004",
  ]);
  assert.deepEqual(sent[5]?.payload.toString(), "abc");
});

test("A chunk above 65000 bytes is cut into segments, which are acknowledged together", () => {
  const { tcp, sent } = recorded();
  tcp.open();
  tcp.data("up", [new Uint8Array(64_999), new Uint8Array(2), new Uint8Array(100_000)]);
  assert.deepEqual(told(sent.slice(3)), [
    "up PA 1001/5001 +65000",
    "up PA 66001/5001 +65000",
    "up PA 131001/5001 +35001",
    "down A 5001/166002",
  ]);
});

test("No bytes make no frame: an empty segment would look like a keep-alive", () => {
  const { tcp, sent } = recorded();
  tcp.open();
  tcp.data("up", []);
  tcp.data("up", [new Uint8Array(0)]);
  assert.equal(tcp.skip("up", 0), 0);
  assert.deepEqual(told(sent), handshake);
});

test("A half-close leaves the other direction open until its own end", () => {
  const { tcp, sent } = recorded();
  tcp.open();
  tcp.end("up");
  tcp.data("down", hello);
  assert.equal(tcp.ended, false);
  tcp.end("down");
  assert.equal(tcp.ended, true);
  assert.deepEqual(told(sent.slice(3)), [
    "up FA 1001/5001",
    "down A 5001/1002",
    "down PA 5001/1002 +5",
    "up A 1002/5006",
    "down FA 5006/1002",
    "up A 1002/5007",
  ]);
});

test("A side that ended sends no more data and no second FIN", () => {
  const { tcp, sent } = recorded();
  tcp.open();
  tcp.end("down");
  const before = sent.length;
  tcp.data("down", hello);
  tcp.end("down");
  assert.equal(tcp.skip("down", 100), 0);
  assert.equal(sent.length, before);
});

test("A refusal is SYN and RST+ACK with sequence number 0, as a real stack answers", () => {
  const { tcp, sent } = recorded();
  tcp.refused("porthop flow=L1#1 leg=3", "connection refused");
  assert.deepEqual(told(sent), ["up S 1000/0", "down RA 0/1001"]);
  assert.deepEqual(
    sent.map(({ comment }) => comment),
    ["porthop flow=L1#1 leg=3", "connection refused"],
  );
  assert.equal(tcp.ended, true);
});

test("An abort is one RST+ACK from the side that broke the connection, with the comment", () => {
  for (const by of ["up", "down"] as const) {
    const { tcp, sent } = recorded();
    tcp.open();
    tcp.data("up", hello);
    tcp.abort(by, "unknown after this");
    const expected = by === "up" ? "up RA 1006/5001" : "down RA 5001/1006";
    assert.deepEqual(told(sent.slice(5)), [expected]);
    assert.equal(sent[5]?.comment, "unknown after this");
    assert.equal(tcp.ended, true);
  }
});

test("An abort before the connection stood leaves no frame", () => {
  const { tcp, sent } = recorded();
  tcp.abort("up");
  tcp.open();
  tcp.refused();
  assert.deepEqual(sent, []);
  assert.equal(tcp.ended, true);
});

test("Bytes that are not captured move the sequence number on, and count as the frames they would have been", () => {
  const { tcp, sent } = recorded();
  tcp.open();
  assert.equal(tcp.skip("up", 100), 2);
  assert.equal(tcp.skip("up", 65_001), 3);
  tcp.data("up", hello);
  assert.deepEqual(told(sent.slice(3)), ["up PA 66102/5001 +5", "down A 5001/66107"]);
});

test("Sequence numbers go on through 2^32 in both directions, also when bytes are skipped", () => {
  const { tcp, sent } = recorded({ sequences: { up: 0xffff0000, down: 0xffffffff } });
  tcp.open();
  tcp.data("up", [new Uint8Array(0xffff)]);
  tcp.data("up", hello);
  tcp.skip("down", 2 ** 33 + 10);
  tcp.data("down", hello);
  assert.deepEqual(told(sent), [
    "up S 4294901760/0",
    "down SA 4294967295/4294901761",
    "up A 4294901761/0",
    "up PA 4294901761/0 +65000",
    "up PA 4294966761/0 +535",
    "down A 0/0",
    "up PA 0/0 +5",
    "down A 0/5",
    "down PA 10/5 +5",
    "up A 5/15",
  ]);
});

test("A connection that is older than its capture gets its handshake late, and the SYN says so", () => {
  const { tcp, sent } = recorded();
  tcp.data("down", hello);
  assert.deepEqual(told(sent), [...handshake, "down PA 5001/1001 +5", "up A 1001/5006"]);
  assert.match(sent[0]?.comment ?? "", /handshake added late/);
});

test("A handshake that is late comes also before bytes that are skipped, and before an end", () => {
  const skipping = recorded();
  assert.equal(skipping.tcp.skip("up", 100), 2);
  assert.deepEqual(told(skipping.sent), handshake);
  const ending = recorded();
  ending.tcp.end("up");
  assert.deepEqual(told(ending.sent), [...handshake, "up FA 1001/5001", "down A 5001/1002"]);
});

test("What it answered stays as it is: the frames of one thing told are no list that goes on", () => {
  const tcp = new TcpConversation({ leg: 1, from: origin, to: target, sequences });
  const opened = tcp.open();
  tcp.data("up", hello);
  tcp.end("up");
  assert.equal(opened.length, 3);
});

test("Opening or refusing what is open already changes nothing", () => {
  const { tcp, sent } = recorded();
  tcp.open();
  tcp.open();
  tcp.refused();
  assert.deepEqual(told(sent), handshake);
  assert.equal(tcp.ended, false);
});

test("Initial sequence numbers are fresh for every connection when none are given", () => {
  const first = Array.from({ length: 20 }, () => {
    const { tcp, sent } = recorded({ sequences: undefined });
    tcp.open();
    return sent.slice(0, 2).map(({ sequence }) => sequence);
  });
  assert.equal(new Set(first.flat()).size, 40);
});

test("IPv6 and IPv4 inside IPv6 are captured as what they are on the wire", () => {
  const v6 = recorded({ from: { host: "fe80::1%eth0", port: 1 }, to: { host: "2001:db8::1", port: 2 } });
  v6.tcp.open();
  assert.equal(v6.sent[0]?.family, 6);
  const mapped = recorded({ from: { host: "::ffff:127.0.0.1", port: 1 }, to: { host: "127.0.0.1", port: 2 } });
  mapped.tcp.open();
  assert.equal(mapped.sent[0]?.family, 4);
});

test("Names and mixed families are refused, with text that is safe to show", () => {
  const from = { host: "evil\u001b[2J", port: 1 };
  assert.throws(() => recorded({ from }), new Malformed('"evil\\x1b[2J" is not an IP address'));
  assert.throws(() => recorded({ from: { host: "::1", port: 1 } }), Malformed);
});

test("Whatever happens in whatever order, the frames are those of one sane TCP connection", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.constantFrom(1000, 0xfffffff0), (steps, up) => {
      const { tcp, sent } = recorded({ sequences: { up, down: 5000 }, sums: new RecentSums() });
      for (const apply of steps) {
        const wasEnded = tcp.ended;
        const before = sent.length;
        apply(tcp);
        if (wasEnded) assert.equal(sent.length, before, "nothing follows the end");
      }
      assertSane(sent);
    }),
    { numRuns: 500 },
  );
});

type Step = (tcp: Recorded) => void;

const direction = fc.constantFrom<TcpDirection>("up", "down");

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>((tcp) => tcp.open()),
  { arbitrary: fc.constant<Step>((tcp) => tcp.refused()), weight: 1 },
  {
    arbitrary: fc.tuple(direction, fc.nat(140_000)).map(([way, bytes]): Step => {
      return (tcp) => tcp.data(way, [new Uint8Array(bytes >>> 1), new Uint8Array(bytes - (bytes >>> 1))]);
    }),
    weight: 6,
  },
  direction.map(
    (way): Step =>
      (tcp) =>
        tcp.end(way),
  ),
  direction.map(
    (way): Step =>
      (tcp) =>
        tcp.abort(way),
  ),
);

/** Each side's numbers follow from what it sent, each acknowledgement from what the other sent; ends are final. */
function assertSane(sent: readonly Sent[]): void {
  const next: Partial<Record<TcpDirection, number>> = {};
  const finished = new Set<TcpDirection>();
  sent.forEach((frame, index) => {
    const other = frame.direction === "up" ? "down" : "up";
    if (frame.flags.includes("R")) {
      assert.equal(index, sent.length - 1, "a RST is the last frame");
      return;
    }
    const expected = next[frame.direction];
    if (expected !== undefined) assert.equal(frame.sequence, expected, `sequence of frame ${index}`);
    if (frame.flags.includes("A"))
      assert.equal(frame.acknowledgement, next[other], `acknowledgement of frame ${index}`);
    if (finished.has(frame.direction)) assert.deepEqual([frame.flags, frame.payload.length], ["A", 0]);
    const consumed = frame.payload.length + (/[SF]/.test(frame.flags) ? 1 : 0);
    next[frame.direction] = (frame.sequence + consumed) % 2 ** 32;
    if (frame.flags.includes("F")) finished.add(frame.direction);
  });
}
