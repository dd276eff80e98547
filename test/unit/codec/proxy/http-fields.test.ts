import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { forwardedFields } from "../../../../src/codec/proxy/http-fields.ts";
import { Unsupported } from "../../../../src/codec/proxy/http-refusal.ts";
import { rounds } from "../../../kit/effort.ts";

const forwarded = (lines: readonly string[], method = "GET", minor = 1) => forwardedFields(lines, method, minor, "a:1");

test("Fields go on as they were, in their order, with the Host of the URL in front.", () => {
  const { lines, body, upgrades } = forwarded(["X-B:  y ", "Host: elsewhere", "x-a: 1", "X-B: z", "Cookie: \xff"]);
  assert.deepEqual(lines, ["Host: a:1", "X-B: y", "x-a: 1", "X-B: z", "Cookie: \xff", "Connection: close"]);
  assert.deepEqual([body, upgrades], [{ length: 0 }, false]);
});

test("What is between the client and its proxy stays there, and so does what Connection names.", () => {
  const { lines } = forwarded([
    "Connection: keep-alive, X-Mine",
    "connection: x-too",
    "Keep-Alive: timeout=5",
    "Proxy-Connection: keep-alive",
    "Proxy-Authorization: Basic c2VjcmV0",
    "proxy-anything: 1",
    "TE: trailers",
    "Upgrade: websocket",
    "x-mine: 1",
    "X-Too: 2",
    "Trailer: X",
    "Accept: */*",
  ]);
  assert.deepEqual(lines, ["Host: a:1", "Trailer: X", "Accept: */*", "Connection: close"]);
});

test("A Connection that names the fields of the body cannot take them away.", () => {
  const { lines } = forwarded(["Connection: Content-Length, transfer-encoding", "Content-Length: 5"], "POST");
  assert.deepEqual(lines, ["Host: a:1", "Content-Length: 5", "Connection: close"]);
});

test("An upgrade to a WebSocket goes on, one to HTTP again or to TLS does not.", () => {
  const asking = (protocols: string) => ["Connection: keep-alive, Upgrade, HTTP2-Settings", `Upgrade: ${protocols}`];
  const socket = forwarded([...asking("websocket"), "Sec-WebSocket-Key: x"]);
  assert.deepEqual(socket.lines.slice(1), ["Sec-WebSocket-Key: x", "Upgrade: websocket", "Connection: Upgrade"]);
  assert.equal(socket.upgrades, true);
  for (const protocols of ["h2c", "HTTP/2.0", "TLS/1.0", "h2c, tls/1.2", ""]) {
    const { lines, upgrades } = forwarded([...asking(protocols), "HTTP2-Settings: x"]);
    assert.deepEqual([lines, upgrades], [["Host: a:1", "Connection: close"], false], protocols);
  }
  assert.equal(forwarded(asking("h2c, websocket")).lines.at(-2), "Upgrade: websocket");
  assert.equal(forwarded(asking("websocket"), "GET", 0).upgrades, false, "HTTP/1.0 has no upgrade");
});

for (const [line, length] of [
  ["Content-Length: 0", 0],
  ["content-length:\t12\t", 12],
  ["Content-Length: 999999999999999", 999_999_999_999_999],
] as const) {
  test(`${JSON.stringify(line)} says where the body ends.`, () => {
    assert.deepEqual(forwarded([line], "POST").body, { length });
  });
}

test("A body in chunks is one, in capitals too.", () => {
  assert.equal(forwarded(["Transfer-Encoding: Chunked"], "POST").body, "chunked");
});

for (const [what, lines, minor = 1, kind = Malformed] of [
  ["both framings", ["Content-Length: 5", "Transfer-Encoding: chunked"]],
  ["two lengths", ["Content-Length: 5", "Content-Length: 6"]],
  ["one length twice", ["Content-Length: 5", "content-length: 5"]],
  ["a list of lengths", ["Content-Length: 5, 5"]],
  ["a signed length", ["Content-Length: +5"]],
  ["a hexadecimal length", ["Content-Length: 0x5"]],
  ["an empty length", ["Content-Length:"]],
  ["a length without end", [`Content-Length: ${"9".repeat(16)}`]],
  ["chunks in HTTP/1.0", ["Transfer-Encoding: chunked"], 0],
  ["another coding", ["Transfer-Encoding: gzip, chunked"], 1, Unsupported],
  ["chunks twice", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 1, Unsupported],
  ["a coding that looks like chunks", ["Transfer-Encoding: xchunked"], 1, Unsupported],
  ["a coding behind a control character", ["Transfer-Encoding: \x0bchunked"]],
  ["a blank before the colon", ["Transfer-Encoding : chunked"]],
  ["a folded line", ["Transfer-Encoding:", " chunked"]],
  ["a first line that is folded", [" Host: b"]],
  ["a line without a colon", ["nonsense"]],
  ["a name that is none", ["Content\x00Length: 5"]],
  ["an empty name", [": 5"]],
  ["a bare CR", ["X: a\rContent-Length: 5"]],
  ["a NUL", ["X: a\0b"]],
  ["two hosts", ["Host: a", "Host: a"]],
] as const satisfies readonly (readonly [string, readonly string[], number?, unknown?])[]) {
  test(`A request with ${what} is refused.`, () => {
    assert.throws(() => forwarded(lines, "POST", minor), kind);
  });
}

test("Max-Forwards counts down for OPTIONS and TRACE, and ends here at 0.", () => {
  assert.deepEqual(forwarded(["Max-Forwards: 2"], "TRACE").lines[1], "Max-Forwards: 1");
  assert.throws(() => forwarded(["Max-Forwards: 0"], "OPTIONS"), Unsupported);
  assert.throws(() => forwarded(["Max-Forwards: x"], "OPTIONS"), Malformed);
  assert.deepEqual(forwarded(["Max-Forwards: 0"], "GET").lines[1], "Max-Forwards: 0");
});

for (const [what, lines] of [
  ["blanks within a value", [`X: a${" ".repeat(32_000)}b`]],
  ["fields of one name", Array<string>(30_000).fill("X:")],
  [
    "names in Connection, and fields that it does not name",
    [`Connection: ${"a,".repeat(16_000)}`, ...Array<string>(8000).fill("b:")],
  ],
] as const) {
  test(`A small request with many ${what} does not make all other flows wait for seconds.`, () => {
    const started = performance.now();
    for (let count = 0; count < 20; count++) forwarded(lines);
    assert.ok(performance.now() - started < 5000);
  });
}

test("What a malformed line says, which may be a secret, is in no error.", () => {
  for (const line of ["Authorization : secret", " secret", "secret", "Authorization: secret\0", "se\0cret: x"]) {
    assert.throws(
      () => forwarded(["A: b", line]),
      (error) =>
        error instanceof Malformed &&
        !/secret|cret/.test(error.message) &&
        /^(line 3 of the request|the header field "Authorization")/.test(error.message),
    );
  }
});

test("A value keeps its bytes, and loses the blanks around it.", () => {
  const { lines } = forwarded(["A: \t \xa0x\t y\xa0 \t", "B:", "C: \t ", "D:x:y"]);
  assert.deepEqual(lines.slice(1, -1), ["A: \xa0x\t y\xa0", "B: ", "C: ", "D: x:y"]);
});

test("Whatever lines come, those that go on are fields, have one Host and one way to end the body.", () => {
  const name = fc.constantFrom(
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Upgrade",
    "X",
    "TE",
    " X",
    "",
  );
  const value = fc.oneof(fc.constantFrom("5", "chunked", "close", "x, upgrade", "websocket", "a\rb"), fc.string());
  const line = fc.oneof(
    fc.tuple(name, value).map(([left, right]) => `${left}: ${right}`),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), fc.nat(1), (lines, minor) => {
      let sent: readonly string[];
      try {
        sent = forwarded(lines, "POST", minor).lines;
      } catch (error) {
        assert.ok(error instanceof Malformed);
        return;
      }
      for (const each of sent) {
        assert.match(each, /^[\w!#$%&'*+.^`|~-]+: /);
        assert.ok(
          [...each].every((character) => character === "\t" || (character >= " " && character !== "\x7f")),
          each,
        );
      }
      const count = (wanted: RegExp) => sent.filter((each) => wanted.test(each)).length;
      assert.equal(count(/^host:/i), 1);
      assert.equal(count(/^connection:/i), 1);
      assert.ok(count(/^(content-length|transfer-encoding):/i) <= 1);
    }),
    { numRuns: rounds(2000) },
  );
});
