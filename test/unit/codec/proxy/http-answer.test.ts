import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HttpAnswer } from "../../../../src/codec/proxy/http-answer.ts";
import { rounds } from "../../../kit/effort.ts";
import { bytes } from "../../../kit/proxy-bytes.ts";

const page = "\r\n\r\nGET a page\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
const unchanged = [
  ["an answer that closes", `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9${page}`],
  ["an answer that closes among others", `HTTP/1.1 200 OK\r\nconnection: x,\tClose ,y${page}`],
  ["one of HTTP/1.0", `HTTP/1.0 200 OK\r\nServer: x${page}`],
  ["no HTTP", `220 mail.example ESMTP${page}`],
  ["HTTP/2", `HTTP/2 200${page}`],
  ["a head without end", `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(20_000)}`],
  ["a head that is cut off", "HTTP/1.1 200 OK\r\nX"],
  ["nothing", ""],
] as const;

for (const [what, said] of unchanged) {
  test(`The client gets ${what} as it came.`, () => {
    assert.equal(passed([bytes([], said)]).text, said);
    for (let cut = 0; cut <= Math.min(said.length, 100); cut++) {
      assert.equal(passed([bytes([], said.slice(0, cut)), bytes([], said.slice(cut))]).text, said, `cut at ${cut}`);
    }
  });
}

for (const [what, said, expected] of [
  ["says nothing of it", "HTTP/1.1 200 OK\r\nA: b", "HTTP/1.1 200 OK\r\nA: b\r\nConnection: close"],
  [
    "would stay",
    "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nA: b",
    "HTTP/1.1 200 OK\r\nA: b\r\nConnection: close",
  ],
  ["would stay with HTTP/1.0", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive", "HTTP/1.0 200 OK\r\nConnection: close"],
  ["folds it", "HTTP/1.1 200 OK\r\nConnection:\r\n keep-alive\r\nA: b", "HTTP/1.1 200 OK\r\nA: b\r\nConnection: close"],
  [
    "comes after others",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close",
  ],
  [
    "comes after a change of protocol that nobody asked for",
    "HTTP/1.1 101 Yes\r\n\r\nHTTP/1.1 200 OK",
    "HTTP/1.1 101 Yes\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close",
  ],
] as const) {
  test(`The client hears that the connection ends after an answer that ${what}.`, () => {
    const all = bytes([], said + page);
    assert.equal(passed([all]).text, expected + page);
    for (let cut = 0; cut <= all.length; cut++) {
      assert.equal(passed([all.subarray(0, cut), all.subarray(cut)]).text, passed([all]).text, `cut at ${cut}`);
    }
  });
}

test("A protocol that the target changes to is passed as it is, from its first byte on.", () => {
  const said =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
  for (let cut = 0; cut <= said.length; cut++) {
    const { text, answer } = passed([bytes([], said.slice(0, cut)), bytes([], said.slice(cut))], true);
    assert.deepEqual([text, answer.isUpgraded], [said, true], `cut at ${cut}`);
  }
  const no = passed([bytes([], "HTTP/1.1 400 No\r\n\r\n")], true);
  assert.deepEqual([no.answer.isDecided, no.answer.isUpgraded], [true, false]);
});

test("A hundred answers of the kind 1xx do not wait for the last one.", () => {
  const answer = new HttpAnswer(false);
  for (let count = 0; count < 100; count++) {
    const hint = bytes([], `HTTP/1.1 103 Early Hints\r\nLink: ${count}\r\n\r\n`);
    assert.deepEqual(Buffer.from(answer.take(hint)), hint);
  }
  assert.equal(answer.isDecided, false);
});

test("After the head no byte is copied.", () => {
  const answer = new HttpAnswer(false);
  answer.take(bytes([], "HTTP/1.1 200 OK\r\n\r\n"));
  const chunk = bytes([1, 2, 3]);
  assert.equal(answer.take(chunk), chunk);
});

test("No byte of a body is lost, whatever comes in whatever pieces.", () => {
  const head = fc.constantFrom("HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 100 C\r\n\r\nHTTP/1.0 200\n\n", "HTTP/1.", "");
  fc.assert(
    fc.property(head, fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 }), (begin, rest) => {
      const { text } = passed([bytes([], begin), ...rest]);
      const came = Buffer.concat([Buffer.from(begin), ...rest]).toString("latin1");
      assert.equal(text.replace("Connection: close\r\n", ""), came);
    }),
    { numRuns: rounds(1000) },
  );
});

function passed(chunks: readonly Uint8Array[], mayUpgrade = false) {
  const answer = new HttpAnswer(mayUpgrade);
  const parts = [...chunks.map((chunk) => answer.take(chunk)), answer.end()];
  return { text: Buffer.concat(parts).toString("latin1"), answer };
}
