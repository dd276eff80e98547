import assert from "node:assert/strict";
import { test } from "node:test";
import { httpConnectReader, maxHeadBytes } from "../../../../src/codec/proxy/http-connect.ts";
import type { ProxyFailure, ProxyReading } from "../../../../src/codec/proxy/proxy-request.ts";
import { bytes, connectRequest } from "../../../kit/proxy-bytes.ts";

for (const [authority, host, port] of [
  ["db.internal:5432", "db.internal", 5432],
  ["10.0.0.1:80", "10.0.0.1", 80],
  ["[::1]:22", "::1", 22],
  ["[fe80::1%eth0]:22", "fe80::1%eth0", 22],
] as const) {
  test(`CONNECT ${authority} asks for that.`, () => {
    const said = connectRequest(authority);
    const reading = httpConnectReader()(said);
    assert.ok(reading?.kind === "asked");
    assert.deepEqual([reading.target, reading.length], [{ host, port }, said.length]);
  });
}

test("A line may end in a bare LF, and what comes after the empty line is not the head's.", () => {
  const head = "CONNECT a:1 HTTP/1.0\nX: y\n\n";
  const reading = httpConnectReader()(bytes([], `${head}\n\nmore`));
  assert.ok(reading?.kind === "asked");
  assert.equal(reading.length, head.length);
});

test("The empty line is found whatever the pieces in which it comes.", () => {
  const said = connectRequest("a:1", "A: b\r\nC: d\r\n");
  const read = httpConnectReader();
  for (let length = 0; length < said.length; length++) {
    if (length > 0) assert.equal(read(said.subarray(0, length)), undefined, `after ${length} bytes`);
  }
  assert.equal(read(said)?.kind, "asked");
});

for (const [authority, reason] of [
  ["db.internal", '"db.internal" is not host:port'],
  ["db:", "the port is missing (1 to 65535)"],
  ["db:0", '"0" is not a port (1 to 65535)'],
  ["db:http", '"http" is a name, not a port: give the service\'s number (1 to 65535)'],
  ["::1:80", '"::1:80" is not host:port'],
  ["[db]:80", '"db" is not an IPv6 address'],
  [":80", "the host is missing"],
  ["a;b:80", 'host "a;b" contains ";"'],
  ["http://a:80", '"http://a:80" is not host:port'],
  ["me@a:80", 'host "me@a" contains "@"'],
  ["\xff:80", "the host's name is not UTF-8"],
] as const) {
  test(`CONNECT ${JSON.stringify(authority)} is a bad request.`, () => {
    const { reply, reason: why } = refusalOf(httpConnectReader()(connectRequest(authority)));
    assert.match(reply, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.equal(why, reason);
  });
}

test("A method other than CONNECT is told so, in a text that can be read.", () => {
  const { reply, isForeign } = refusalOf(httpConnectReader()(bytes([], "GET http://a/ HTTP/1.1\r\n")));
  assert.equal(isForeign, false);
  const body = "HTTP GET is not supported, only CONNECT: this is no proxy for plain requests\n";
  assert.equal(
    reply,
    "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\n" +
      `Content-Length: ${body.length}\r\nAllow: CONNECT\r\nConnection: close\r\n\r\n${body}`,
  );
});

for (const said of [
  "SSH-2.0-OpenSSH_9.2\r\n",
  "HELO me\r\n",
  "CONNECT a:1\r\n",
  "CONNECT  a:1 HTTP/1.1\r\n",
  "A\0",
  "A".repeat(40),
]) {
  test(`${JSON.stringify(said)} is no HTTP request.`, () => {
    const { reply, isForeign } = refusalOf(httpConnectReader()(bytes([], said)));
    assert.match(reply, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.equal(isForeign, true);
  });
}

test("A head may have 16 KiB and no byte more, however it comes.", () => {
  const fill = (length: number) => `X: ${"y".repeat(length - connectRequest("a:1", "X: \r\n").length)}\r\n`;
  assert.equal(httpConnectReader()(connectRequest("a:1", fill(maxHeadBytes)))?.kind, "asked");
  const long = connectRequest("a:1", fill(maxHeadBytes + 1));
  const expected = `the HTTP request has more than ${maxHeadBytes} bytes of head`;
  assert.equal(refusalOf(httpConnectReader()(long)).reason, expected);
  const read = httpConnectReader();
  for (let length = 1; length < maxHeadBytes; length += 7) assert.equal(read(long.subarray(0, length)), undefined);
  assert.equal(refusalOf(read(long.subarray(0, maxHeadBytes))).reason, expected);
});

const statuses: Readonly<Record<ProxyFailure, string>> = {
  prohibited: "403 Forbidden",
  unsupported: "403 Forbidden",
  refused: "502 Bad Gateway",
  unreachable: "502 Bad Gateway",
  failed: "502 Bad Gateway",
  shortage: "503 Service Unavailable",
  "timed-out": "504 Gateway Timeout",
};

for (const [failure, status] of Object.entries(statuses) as [ProxyFailure, string][]) {
  test(`A target that is ${failure} is told with ${status} and one line of text.`, () => {
    const reading = httpConnectReader()(connectRequest("a:1"));
    assert.ok(reading?.kind === "asked");
    const text = latin1(reading.answers.refused(failure, "line\nbreak\x1b"));
    assert.ok(text.startsWith(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\n`), text);
    assert.match(text, /\r\nContent-Length: 16\r\nConnection: close\r\n\r\nline\\nbreak\\x1b\n$/);
  });
}

test("A yes has no body, and no length of one.", () => {
  const reading = httpConnectReader()(connectRequest("a:1"));
  assert.ok(reading?.kind === "asked");
  assert.equal(latin1(reading.answers.accepted()), "HTTP/1.1 200 Connection established\r\n\r\n");
});

function refusalOf(reading: ProxyReading | undefined) {
  assert.ok(reading?.kind === "refused", JSON.stringify(reading));
  return { ...reading, reply: latin1(reading.reply) };
}

function latin1(reply: Uint8Array): string {
  return Buffer.from(reply).toString("latin1");
}
