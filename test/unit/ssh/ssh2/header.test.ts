import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { Session } from "../../../../src/ssh/session.ts";
import { readHeaderWhole } from "../../../../src/ssh/ssh2/header.ts";
import { viewOf } from "../../../../src/ssh/ssh2/view-check.ts";
import { tellingTo } from "../../../kit/telling.ts";
import { easyTrust } from "../../../kit/trust.ts";
import { unheardClient } from "../../../kit/unheard-client.ts";

const software = "OpenSSH_10.1";
const ident = `SSH-2.0-${software}\r\n`;

/** ssh2's own protocol, to which the pieces come one by one. `behind` is what its next parser gets. */
function reader() {
  const client = unheardClient();
  const view = viewOf(client);
  const protocol = view._protocol;
  readHeaderWhole(protocol);
  const whole = protocol._parse;
  const behind: Buffer[] = [];
  return {
    read(piece: Buffer): void {
      // What ssh2 reads next is no header: of that nothing is to be parsed here.
      const read = protocol._parse === whole ? protocol._parse(piece, 0, piece.length) : 0;
      behind.push(piece.subarray(read));
    },
    get software() {
      return view._remoteVer;
    },
    get behind() {
      return String(Buffer.concat(behind));
    },
  };
}

for (const [what, text] of [
  ["An identification", ident],
  ["An identification behind a greeting", `Welcome\r\nto vishnu\r\n${ident}`],
  ["An identification that ends with a line feed alone", ident.replace("\r", "")],
] as const) {
  test(`${what} is read whole, wherever it is cut in two or three, and what is behind it is left to the next parser.`, () => {
    const bytes = Buffer.from(`${text}packet`);
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const one = reader();
        for (const piece of [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]) {
          one.read(piece);
        }
        assert.deepEqual([one.software, one.behind], [software, "packet"], `cut at ${first} and ${second}`);
      }
    }
  });

  test(`${what} that comes byte by byte is read whole.`, () => {
    const one = reader();
    for (const byte of Buffer.from(`${text}packet`)) one.read(Buffer.of(byte));
    assert.deepEqual([one.software, one.behind], [software, "packet"]);
  });
}

test("A line that never ends is given up, in whatever pieces it comes.", () => {
  for (const size of [1, 1000, 8192]) {
    const one = reader();
    assert.throws(() => {
      for (let bytes = 0; bytes < 20_000; bytes += size) one.read(Buffer.alloc(size, "x"));
    }, /Header line too long/);
  }
});

test("A greeting of more than 256 KiB is given up, whatever the parser says to its lines.", () => {
  const protocol = { _parse: (_chunk: Buffer, _start: number, end: number) => end, _buffer: undefined };
  readHeaderWhole(protocol);
  const line = Buffer.from(`${"x".repeat(1022)}\r\n`);
  for (let lines = 0; lines < 256; lines++) assert.equal(protocol._parse(line, 0, line.length), line.length);
  assert.throws(() => protocol._parse(line, 0, line.length), /Header too long/);
});

test("A server that greets without end is given up.", { timeout: 30_000 }, async () => {
  const listener = createServer((socket) => {
    socket.on("error", () => {});
    const line = Buffer.from(`${"x".repeat(1000)}\r\n`);
    const babble = () => {
      while (!socket.destroyed && socket.write(line));
    };
    socket.on("drain", babble);
    babble();
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const target = { host: "127.0.0.1", port, user: "anna", connectTimeoutMs: 5000, algorithms: {} };
  const settings = { ...target, handshakeTimeoutMs: 5000, attempts: 1, keepAliveIntervalMs: 0, keepAliveCountMax: 0 };
  const telling = { trust: async () => easyTrust(), ...tellingTo() };
  await assert.rejects(Session.connect(settings, telling, new AbortController().signal), { code: "ssh.protocol" });
  listener.close();
});
