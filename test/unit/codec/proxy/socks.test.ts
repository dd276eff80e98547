import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxyFailure, ProxyReading } from "../../../../src/codec/proxy/proxy-request.ts";
import { readSocks4, readSocks5 } from "../../../../src/codec/proxy/socks.ts";
import { bytes, greeting5, request4, request4a, request5 } from "../../../kit/proxy-bytes.ts";

const no4 = "00 5b 00 00 00 00 00 00";

test("SOCKS4 to 0.0.0.0 is an address, only 0.0.0.x with another x says that a name follows.", () => {
  assert.deepEqual(targetOf(readSocks4(request4("0.0.0.0", 80))), { host: "0.0.0.0", port: 80 });
  assert.deepEqual(targetOf(readSocks4(request4a("name", 80))), { host: "name", port: 80 });
});

for (const [what, said, reason] of [
  ["BIND", request4("1.2.3.4", 80, undefined, 2), "SOCKS4 command 2 is not supported, only CONNECT (1)"],
  ["port 0", request4("1.2.3.4", 0), 'there is no port 0 to connect to on "1.2.3.4"'],
  ["an empty name", request4a("", 80), "the host is missing"],
  ["a name with a blank", request4a("a b", 80), 'host "a b" contains " "'],
  [
    "an endless user",
    bytes([4, 1, 0, 80, 1, 2, 3, 4], "u".repeat(256)),
    "the SOCKS4 user name is longer than 255 bytes",
  ],
  [
    "an endless name",
    bytes([4, 1, 0, 80, 0, 0, 0, 1, 0], "n".repeat(256)),
    "the SOCKS4a host name is longer than 255 bytes",
  ],
] as const) {
  test(`SOCKS4 with ${what} is refused with 0x5B.`, () => {
    assert.deepEqual(refusalOf(readSocks4(said)), [no4, reason]);
  });
}

test("A user name and a host name of 255 bytes are still heard.", () => {
  const name = `${"n".repeat(250)}.arpa`;
  assert.deepEqual(targetOf(readSocks4(request4("0.0.0.9", 80, name, 1, "u".repeat(255)))), { host: name, port: 80 });
});

test("SOCKS4 answers with 0x5A, and with 0x5B whatever the reason.", () => {
  const reading = readSocks4(request4("1.2.3.4", 80));
  assert.ok(reading?.kind === "asked");
  assert.equal(hex(reading.answers.accepted()), "00 5a 00 00 00 00 00 00");
  assert.equal(hex(reading.answers.refused("prohibited", "no")), no4);
  assert.equal(hex(reading.answers.refused("refused", "no")), no4);
});

for (const methods of [[], [2], [1, 2, 0x80]]) {
  test(`SOCKS5 that offers the methods ${JSON.stringify(methods)} gets 05 FF.`, () => {
    assert.deepEqual(refusalOf(readSocks5(bytes([5, methods.length, ...methods]))), [
      "05 ff",
      "the SOCKS5 client offers no way without a login",
    ]);
  });
}

for (const [what, said, code, reason] of [
  ["BIND", request5("a", 1, { command: 2 }), "07", "SOCKS5 command 2 is not supported, only CONNECT (1)"],
  ["UDP ASSOCIATE", request5("a", 1, { command: 3 }), "07", "SOCKS5 command 3 is not supported, only CONNECT (1)"],
  ["address type 2", request5("a", 1, { type: 2 }), "08", "SOCKS5 has no address type 2"],
  ["another version", bytes([4, 1, 0, 1]), "01", "the SOCKS5 request says version 4"],
  ["port 0", request5("a", 0), "01", 'there is no port 0 to connect to on "a"'],
  ["an empty name", request5("", 80), "01", "the host is missing"],
  ["a NUL in the name", request5("a\0.example", 80), "01", 'host "a\\x00.example" contains "\\x00"'],
] as const) {
  test(`A SOCKS5 request with ${what} is refused with 0x${code}.`, () => {
    assert.deepEqual(refusalOf(request(said)), [`05 ${code} 00 01 00 00 00 00 00 00`, reason]);
  });
}

const replies: Readonly<Record<ProxyFailure, string>> = {
  failed: "01",
  shortage: "01",
  unavailable: "01",
  prohibited: "02",
  unreachable: "04",
  "timed-out": "04",
  refused: "05",
  unsupported: "07",
};

for (const [failure, code] of Object.entries(replies) as [ProxyFailure, string][]) {
  test(`SOCKS5 tells a target that is ${failure} with 0x${code}.`, () => {
    const reading = request(request5("a", 1));
    assert.ok(reading?.kind === "asked");
    assert.equal(hex(reading.answers.refused(failure, "text")), `05 ${code} 00 01 00 00 00 00 00 00`);
  });
}

test("SOCKS5 says yes with the bound address 0.0.0.0:0, as ssh does.", () => {
  const reading = request(request5([127, 0, 0, 1], 22));
  assert.ok(reading?.kind === "asked");
  assert.equal(hex(reading.answers.accepted()), "05 00 00 01 00 00 00 00 00 00");
});

function request(said: Uint8Array): ProxyReading | undefined {
  const agreed = readSocks5(greeting5);
  assert.ok(agreed?.kind === "go-on");
  return agreed.next(said);
}

function targetOf(reading: ProxyReading | undefined) {
  assert.ok(reading?.kind === "asked", JSON.stringify(reading));
  return reading.target;
}

function refusalOf(reading: ProxyReading | undefined): [reply: string, reason: string] {
  assert.ok(reading?.kind === "refused", JSON.stringify(reading));
  return [hex(reading.reply), reading.reason];
}

function hex(reply: Uint8Array): string {
  return [...reply].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
