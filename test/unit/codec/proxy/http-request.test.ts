import assert from "node:assert/strict";
import { test } from "node:test";
import { httpReader, maxHeadBytes } from "../../../../src/codec/proxy/http-request.ts";
import type { ProxyReading } from "../../../../src/codec/proxy/proxy-request.ts";
import { bytes, connectRequest } from "../../../kit/proxy-bytes.ts";

for (const [authority, host, port] of [
  ["db.internal:5432", "db.internal", 5432],
  ["10.0.0.1:80", "10.0.0.1", 80],
  ["[::1]:22", "::1", 22],
  ["[fe80::1%eth0]:22", "fe80::1%eth0", 22],
] as const) {
  test(`CONNECT ${authority} asks for that.`, () => {
    const said = connectRequest(authority);
    const reading = httpReader()(said);
    assert.ok(reading?.kind === "asked");
    assert.deepEqual([reading.target, reading.length], [{ host, port }, said.length]);
  });
}

test("A line may end in a bare LF, and what comes after the empty line is not the head's.", () => {
  const head = "CONNECT a:1 HTTP/1.0\nX: y\n\n";
  const reading = httpReader()(bytes([], `${head}\n\nmore`));
  assert.ok(reading?.kind === "asked");
  assert.equal(reading.length, head.length);
});

test("The empty line is found whatever the pieces in which it comes.", () => {
  const said = connectRequest("a:1", "A: b\r\nC: d\r\n");
  const read = httpReader();
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
  ["me:secret@a:80", 'the target of CONNECT contains "@"'],
  ["\xff:80", "the host's name is not UTF-8"],
] as const) {
  test(`CONNECT ${JSON.stringify(authority)} is a bad request.`, () => {
    const { reply, reason: why } = refusalOf(httpReader()(connectRequest(authority)));
    assert.match(reply, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.equal(why, reason);
  });
}

test("A name in UTF-8 is asked for as it is, whatever its bytes.", () => {
  for (const name of ["straße.example", "日本.example", "à.example"]) {
    const reading = httpReader()(Buffer.from(`CONNECT ${name}:443 HTTP/1.1\r\n\r\n`));
    assert.ok(reading?.kind === "asked", name);
    assert.equal(reading.target.host, name);
    const plain = httpReader()(Buffer.from(`GET http://${name}/ü HTTP/1.1\r\n\r\n`));
    assert.ok(plain?.kind === "asked", name);
    assert.equal(plain.target.host, name);
    assert.match(Buffer.from(plain.plain?.head ?? []).toString(), new RegExp(`^GET /ü HTTP/1.1\r\nHost: ${name}\r\n`));
  }
});

test("A plain request is written anew for its target: the path alone, and the host of the URL.", () => {
  const said = bytes(
    [],
    "GET http://me:secret@a.example:8080/x?y=1 HTTP/1.1\r\nHost: other\r\nAccept: */*\r\n" +
      "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nCookie: a=b\r\n\r\n",
  );
  const reading = httpReader()(said);
  assert.ok(reading?.kind === "asked");
  assert.deepEqual([reading.target, reading.length], [{ host: "a.example", port: 8080 }, said.length]);
  assert.equal(reading.answers.accepted().length, 0, "the target's answer is the answer");
  assert.equal(
    latin1(reading.plain?.head ?? new Uint8Array(0)),
    "GET /x?y=1 HTTP/1.1\r\nHost: a.example:8080\r\nAccept: */*\r\nCookie: a=b\r\nConnection: close\r\n\r\n",
  );
});

for (const [version, written] of [
  ["1.0", "1.0"],
  ["1.1", "1.1"],
  ["1.9", "1.1"],
] as const) {
  test(`To a client of HTTP/${version} the target answers as to one of HTTP/${written}.`, () => {
    const reading = httpReader()(bytes([], `HEAD http://a HTTP/${version}\r\n\r\n`));
    assert.ok(reading?.kind === "asked");
    const head = latin1(reading.plain?.head ?? new Uint8Array(0));
    assert.equal(head, `HEAD / HTTP/${written}\r\nHost: a\r\nConnection: close\r\n\r\n`);
  });
}

for (const [what, said, status, reason] of [
  ["a page of the proxy itself", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, /^this port is a proxy and no web server/],
  [
    "https in clear",
    "GET https://a/ HTTP/1.1\r\n\r\n",
    501,
    /not for https:\/\/: the program has to ask with CONNECT$/,
  ],
  ["FTP", "GET ftp://a/ HTTP/1.1\r\n\r\n", 501, /http:\/\/ only, not for ftp:\/\/$/],
  ["one host or another", "GET http://a@b@c/ HTTP/1.1\r\n\r\n", 400, /^the URL has more than one "@" before its path/],
  ["port 0", "GET http://a:0/ HTTP/1.1\r\n\r\n", 400, /^"0" is not a port/],
  [
    "a field with a blank before its colon",
    "GET http://a/ HTTP/1.1\r\nA : b\r\n\r\n",
    400,
    /^line 2 of the request is no header field$/,
  ],
] as const) {
  test(`A client that asks for ${what} is refused in words, and as HEAD without them.`, () => {
    const { reply, reason: why } = refusalOf(httpReader()(bytes([], said)));
    assert.match(why, reason);
    assert.ok(reply.startsWith(`HTTP/1.1 ${status} `), reply);
    assert.ok(reply.endsWith(`\r\n\r\n${why}\n`), reply);
    const { reply: short } = refusalOf(httpReader()(bytes([], said.replace("GET", "HEAD"))));
    assert.equal(short.slice(short.indexOf("\r\n\r\n")), "\r\n\r\n");
  });
}

for (const said of [
  "SSH-2.0-OpenSSH_9.2\r\n",
  "HELO me\r\n",
  "CONNECT a:1\r\n",
  "CONNECT  a:1 HTTP/1.1\r\n",
  "A\0",
  "A".repeat(40),
]) {
  test(`${JSON.stringify(said)} is no HTTP request.`, () => {
    const { reply, reason } = refusalOf(httpReader()(bytes([], said)));
    assert.match(reply, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(reason, /^this is not an HTTP request: /);
  });
}

for (const said of [
  "GET http://me:secret@a/ HTTP/1.1\r\nsecret\r\n\r\n",
  "GET http://me:secret@a/#x HTTP/1.1\r\n\r\n",
  "GET http://me:secret@b@c/ HTTP/1.1\r\n\r\n",
  "GET http://me@secret@b@c/ HTTP/1.1\r\n\r\n",
  "GET http://me:secret@a:x/ HTTP/1.1\r\n\r\n",
  "GET http://me:secret@a/ b HTTP/1.1\r\n\r\n",
  "GET http:/secret@a/ HTTP/1.1\r\n\r\n",
  "GET /?key=secret HTTP/1.1\r\n\r\n",
  "Get http://me:secret@a/ HTTP/1.1\r\n\r\n",
  "CONNECT me:secret@a:1 HTTP/1.1\r\n\r\n",
  "CONNECT http://me:secret@a/ HTTP/1.1\r\n\r\n",
  "AUTH secret\r\n",
]) {
  test(`The refusal of ${JSON.stringify(said)} shows no secret.`, () => {
    const { reply, reason } = refusalOf(httpReader()(bytes([], said)));
    assert.doesNotMatch(reply + reason, /secret/);
  });
}

test("A head may have 32 KiB and no byte more, however it comes.", () => {
  const fill = (length: number) => `X: ${"y".repeat(length - connectRequest("a:1", "X: \r\n").length)}\r\n`;
  assert.equal(httpReader()(connectRequest("a:1", fill(maxHeadBytes)))?.kind, "asked");
  const long = connectRequest("a:1", fill(maxHeadBytes + 1));
  const expected = `the HTTP request has more than ${maxHeadBytes} bytes of head`;
  assert.equal(refusalOf(httpReader()(long)).reason, expected);
  const read = httpReader();
  for (let length = 1; length < maxHeadBytes; length += 7) assert.equal(read(long.subarray(0, length)), undefined);
  assert.equal(refusalOf(read(long.subarray(0, maxHeadBytes))).reason, expected);
});

function refusalOf(reading: ProxyReading | undefined) {
  assert.ok(reading?.kind === "refused", JSON.stringify(reading));
  return { ...reading, reply: latin1(reading.reply) };
}

function latin1(reply: Uint8Array): string {
  return Buffer.from(reply).toString("latin1");
}
