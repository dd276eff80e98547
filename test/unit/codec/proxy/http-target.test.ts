import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { Unsupported } from "../../../../src/codec/proxy/http-refusal.ts";
import { readHttpTarget } from "../../../../src/codec/proxy/http-target.ts";
import { rounds } from "../../../kit/effort.ts";

for (const [url, host, port, authority, path] of [
  ["http://a.example/", "a.example", 80, "a.example", "/"],
  ["http://a.example", "a.example", 80, "a.example", "/"],
  ["HTTP://A.example:8080/x/../y?z=http://b/", "A.example", 8080, "A.example:8080", "/x/../y?z=http://b/"],
  ["http://a.example?q", "a.example", 80, "a.example", "/?q"],
  ["http://a.example:/x", "a.example", 80, "a.example", "/x"],
  ["http://a.example:80/", "a.example", 80, "a.example:80", "/"],
  ["http://[::1]:8080/", "::1", 8080, "[::1]:8080", "/"],
  ["http://[2001:db8::7]", "2001:db8::7", 80, "[2001:db8::7]", "/"],
  ["http://[fe80::1%25eth0]/", "fe80::1%eth0", 80, "[fe80::1]", "/"],
  ["http://10.0.0.1:1/", "10.0.0.1", 1, "10.0.0.1:1", "/"],
  ["http://user:pass@a.example:81/", "a.example", 81, "a.example:81", "/"],
  ["http://user@a.example/@b", "a.example", 80, "a.example", "/@b"],
  ["http://a.example//b", "a.example", 80, "a.example", "//b"],
] as const) {
  test(`${url} is asked of ${host}, port ${port}.`, () => {
    assert.deepEqual(readHttpTarget("GET", url), { host, port, authority, path });
  });
}

test("OPTIONS without a path asks about the whole server, and with one about the path.", () => {
  assert.equal(readHttpTarget("OPTIONS", "http://a").path, "*");
  assert.equal(readHttpTarget("OPTIONS", "http://a/").path, "/");
  assert.equal(readHttpTarget("OPTIONS", "http://a?x").path, "/?x");
  assert.equal(readHttpTarget("GET", "http://a").path, "/");
});

for (const [text, reason, kind] of [
  ["/index.html", /^this port is a proxy and no web server/, Malformed],
  ["*", /^this port is a proxy and no web server/, Malformed],
  ["a.example:80", /^the request does not ask for a URL that begins with http/, Malformed],
  ["http:/a", /URL that begins with http/, Malformed],
  ["https://a/", /has to ask with CONNECT/, Unsupported],
  ["wss://a/", /has to ask with CONNECT/, Unsupported],
  ["ftp://a/", /http:\/\/ only, not for ftp:\/\/$/, Unsupported],
  ["http://a#@b/", /contains "#"/, Malformed],
  ["http://me@b@c/", /more than one "@"/, Malformed],
  ["http://::1/", /is not host:port/, Malformed],
  ["http://[a]/", /"a" is not an IPv6 address/, Malformed],
  ["http://[::1]x/", /is not host:port/, Malformed],
  ["http://a:b/", /is a name, not a port/, Malformed],
  ["http://a:99999/", /is not a port/, Malformed],
] as const) {
  test(`${JSON.stringify(text)} is refused.`, () => {
    assert.throws(
      () => readHttpTarget("GET", text),
      (error) => error instanceof kind && reason.test(error.message),
    );
  });
}

test("Whatever is read as a host, the browser's way of reading a URL names the same one.", () => {
  const piece = fc.constantFrom("a", "b.c", "@", ":", "/", "?", "80", "[::1]", "%40", "//", "http://", "x:y@", ".");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
      const url = `http://${pieces.join("")}`;
      const read = attempt(() => readHttpTarget("GET", url));
      const judge = attempt(() => new URL(url));
      // An empty host, and what no host may have, is refused by who takes the target.
      if (read === undefined || judge === undefined || !/^[a-z0-9.:]+$/.test(read.host)) return;
      // What the URL parser makes of numbers ("80" is 0.0.0.80) is not compared.
      if (/^[\d.]+$/.test(read.host)) return;
      // The parser takes more "/" after http:// than two, and goes on to the next name.
      if (/^http:\/\/+\//.test(url)) return;
      assert.equal(judge.hostname.replace(/[[\]]/g, ""), read.host, url);
      assert.equal(Number(judge.port === "" ? 80 : judge.port), read.port, url);
    }),
    { numRuns: rounds(3000) },
  );
});

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
