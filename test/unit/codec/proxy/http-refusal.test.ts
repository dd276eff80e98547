import assert from "node:assert/strict";
import { test } from "node:test";
import { connectAnswers, plainAnswers, refusalFor, Unsupported } from "../../../../src/codec/proxy/http-refusal.ts";
import type { ProxyFailure } from "../../../../src/codec/proxy/proxy-request.ts";

const statuses: Readonly<Record<ProxyFailure, string>> = {
  prohibited: "403 Forbidden",
  unsupported: "403 Forbidden",
  refused: "502 Bad Gateway",
  unreachable: "502 Bad Gateway",
  failed: "502 Bad Gateway",
  shortage: "503 Service Unavailable",
  unavailable: "503 Service Unavailable",
  "timed-out": "504 Gateway Timeout",
};

for (const [failure, status] of Object.entries(statuses) as [ProxyFailure, string][]) {
  test(`A target that is ${failure} is told with ${status} and one line of text.`, () => {
    for (const answers of [connectAnswers, plainAnswers("GET")]) {
      const text = latin1(answers.refused(failure, "line\nbreak\x1b"));
      assert.ok(text.startsWith(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\n`), text);
      assert.match(text, /\r\nContent-Length: 16\r\n/);
      assert.match(text, /\r\nConnection: close\r\n\r\nline\\nbreak\\x1b\n$/);
    }
  });
}

test("A refused HEAD gets the same head, and no body that would be read as the next answer.", () => {
  const [get, head] = ["GET", "HEAD"].map((method) => latin1(plainAnswers(method).refused("refused", "no")));
  assert.equal(get, `${head}no\n`);
});

test("A yes to CONNECT has no body, and no length of one.", () => {
  assert.equal(latin1(connectAnswers.accepted()), "HTTP/1.1 200 Connection established\r\n\r\n");
});

test("A defect is no fault of the request, and goes on.", () => {
  assert.throws(() => refusalFor(new TypeError("x"), "GET"), TypeError);
  assert.match(latin1(refusalFor(new Unsupported("not here"), "GET").reply), /^HTTP\/1\.1 501 Not Implemented\r\n/);
});

function latin1(reply: Uint8Array): string {
  return Buffer.from(reply).toString("latin1");
}
