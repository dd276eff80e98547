import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress } from "../../../../src/codec/address.ts";
import { type HandshakeStep, ProxyHandshake } from "../../../../src/codec/proxy/proxy-handshake.ts";
import { rounds } from "../../../kit/effort.ts";
import { bytes, connectRequest, greeting5, request4, request4a, request5 } from "../../../kit/proxy-bytes.ts";

const handshakes: readonly (readonly [name: string, said: Uint8Array, outcome: string])[] = [
  ["SOCKS4", request4("10.1.2.3", 80), "10.1.2.3:80"],
  ["SOCKS4 without a user", request4("10.1.2.3", 80, undefined, 1, ""), "10.1.2.3:80"],
  ["SOCKS4a", request4a("db.internal", 5432), "db.internal:5432"],
  ["SOCKS4 BIND", request4("10.1.2.3", 80, undefined, 2), "refused"],
  ["SOCKS5 to IPv4", bytes([], "", greeting5, request5([127, 0, 0, 1], 8080)), "127.0.0.1:8080"],
  [
    "SOCKS5 to IPv6",
    bytes([5, 3, 2, 1, 0], "", request5([0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 7], 443)),
    "[2001:db8::7]:443",
  ],
  ["SOCKS5 to a name", bytes([], "", greeting5, request5("www.example", 65535)), "www.example:65535"],
  ["SOCKS5 UDP ASSOCIATE", bytes([], "", greeting5, request5([0, 0, 0, 0], 1, { command: 3 })), "refused"],
  ["SOCKS5 with a login only", bytes([5, 1, 2]), "refused"],
  ["HTTP CONNECT", connectRequest("db.internal:5432"), "db.internal:5432"],
  ["HTTP CONNECT to IPv6", connectRequest("[::1]:22", "Host: [::1]:22\r\nUser-Agent: me\r\n"), "[::1]:22"],
  ["HTTP CONNECT without header fields", connectRequest("a:1", ""), "a:1"],
  ["HTTP GET", bytes([], "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "a:80"],
  ["HTTP PUT to IPv6", bytes([], "PUT http://[::1]:8080/x HTTP/1.0\nContent-Length: 9\n\n"), "[::1]:8080"],
  ["HTTP GET of no URL", bytes([], "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"), "refused"],
  ["HTTP with a folded field", bytes([], "GET http://a/ HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), "refused"],
  ["TLS", bytes([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]), "refused"],
];

for (const [name, said, outcome] of handshakes) {
  test(`${name} comes to the same, wherever it is cut in two, and in single bytes.`, () => {
    const whole = follow([said]);
    assert.equal(whole.outcome, outcome);
    for (let cut = 0; cut <= said.length; cut++) {
      assert.deepEqual(follow([said.subarray(0, cut), said.subarray(cut)]), whole, `cut at ${cut}`);
    }
    assert.deepEqual(follow([...said].map((byte) => Uint8Array.of(byte))), whole);
  });

  if (outcome === "refused") continue;
  test(`What follows ${name} is not lost, wherever it is cut.`, () => {
    const early = bytes([0, 5, 4, 10, 255], "GET / HTTP/1.1\r\n\r\n");
    const all = bytes([], "", said, early);
    for (let cut = 0; cut <= all.length; cut++) {
      const { outcome: asked, early: got } = follow([all.subarray(0, cut), all.subarray(cut)]);
      const expected = cut < said.length ? early : all.subarray(said.length, Math.max(cut, said.length));
      assert.deepEqual([asked, got], [outcome, Buffer.from(expected).toString("latin1")], `cut at ${cut}`);
    }
  });

  test(`${name} is waited for as long as its last byte is missing.`, () => {
    assert.equal(follow([said.subarray(0, -1)]).outcome, "more");
  });
}

test("The method of SOCKS5 is agreed to before the request comes.", () => {
  const handshake = new ProxyHandshake();
  assert.deepEqual(handshake.take(greeting5), { kind: "more", reply: Uint8Array.of(5, 0) });
  const step = handshake.take(request5("a", 1));
  assert.deepEqual([step.kind, step.reply.length], ["asked", 0]);
});

test("Whoever speaks no proxy protocol is not answered, and what it said is shown harmlessly.", () => {
  const step = new ProxyHandshake().take(bytes([0x17, 3, 1], "\x1b[2J"));
  assert.ok(step.kind === "refused");
  assert.equal(step.reply.length, 0);
  assert.equal(step.reason, 'this is neither SOCKS nor HTTP: "\\x17\\x03\\x01\\x1b[2J"');
});

test("Of another protocol the first bytes are shown, and no password behind them.", () => {
  const step = new ProxyHandshake().take(bytes([], "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"));
  assert.ok(step.kind === "refused");
  assert.equal(step.reason, 'this is neither SOCKS nor HTTP: "*2\\r\\n$4\\r\\nAUTH"');
});

test("Whoever speaks TLS to the proxy is told that it is spoken to in clear.", () => {
  const step = new ProxyHandshake().take(bytes([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]));
  assert.ok(step.kind === "refused");
  assert.match(step.reason, /^this is TLS, and a proxy is spoken to in clear/);
});

test("Random bytes never throw, and are decided about before they are many.", () => {
  const first = fc.oneof(fc.constantFrom(4, 5, 67, 71, 90), fc.nat(255));
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 6 });
  fc.assert(
    fc.property(first, chunks, (begin, rest) => {
      follow([Uint8Array.of(begin), ...rest]);
    }),
    { numRuns: rounds(2000) },
  );
});

test("A handshake that never ends is refused, whatever it repeats.", () => {
  fc.assert(
    fc.property(fc.constantFrom(4, 5, 67), fc.uint8Array({ minLength: 1, maxLength: 64 }), (begin, again) => {
      const handshake = new ProxyHandshake();
      let step: HandshakeStep = handshake.take(Uint8Array.of(begin));
      let taken = 1;
      for (; step.kind === "more" && taken < 40_000; taken += again.length) step = handshake.take(again);
      assert.notEqual(step.kind, "more", `still more after ${taken} bytes`);
    }),
  );
});

test("Any target that can be written is asked for as it was, in each protocol.", () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9_-]{0,20}[a-z0-9])?$/);
  const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join("."));
  fc.assert(
    fc.property(name, fc.integer({ min: 1, max: 65535 }), (host, port) => {
      const target = `${host}:${port}`;
      assert.equal(follow([request4a(host, port)]).outcome, target);
      assert.equal(follow([greeting5, request5(host, port)]).outcome, target);
      assert.equal(follow([connectRequest(target)]).outcome, target);
      assert.equal(follow([bytes([], `GET http://${target} HTTP/1.1\r\n\r\n`)]).outcome, target);
    }),
  );
});

interface Followed {
  readonly outcome: string;
  readonly replies: string;
  readonly early: string;
}

/** Puts the chunks in one after the other until it is decided. Early is what was in the deciding chunk. */
function follow(chunks: readonly Uint8Array[]): Followed {
  const handshake = new ProxyHandshake();
  let replies = "";
  for (const chunk of chunks) {
    const step = handshake.take(chunk);
    replies += Buffer.from(step.reply).toString("latin1");
    if (step.kind === "refused") return { outcome: "refused", replies, early: "" };
    if (step.kind === "asked") {
      return { outcome: formatAddress(step.target), replies, early: Buffer.from(step.early).toString("latin1") };
    }
  }
  return { outcome: "more", replies, early: "" };
}
