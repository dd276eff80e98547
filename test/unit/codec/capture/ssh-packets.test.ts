import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SshNegotiation } from "../../../../src/codec/capture/ssh-negotiation.ts";
import { mostPendingBytes, type SshPacket, SshPacketCutter } from "../../../../src/codec/capture/ssh-packets.ts";
import { rounds } from "../../../kit/effort.ts";
import { randomBytes } from "../../../kit/random.ts";
import { clearPacket, kexInit, newKeys, sameLists, sealedPacket } from "../../../kit/ssh-stream.ts";

const gcm = sameLists("aes128-gcm@openssh.com", "hmac-sha2-256-etm@openssh.com");
const etm = sameLists("aes128-ctr", "hmac-sha2-256-etm@openssh.com");
const hidden = sameLists("chacha20-poly1305@openssh.com", "hmac-sha2-256-etm@openssh.com");

/** A cutter for the server's direction, whose client offers the same as the server will. */
function serverCutter(lists = gcm): SshPacketCutter {
  const negotiation = new SshNegotiation();
  negotiation.offer("up", kexInit(lists));
  return new SshPacketCutter("down", negotiation);
}

/** What a server sends: lines, the handshake, packets sealed with tags of that length. */
function serverUnits(lists = gcm, tagBytes = 16): Buffer[] {
  return [
    Buffer.from("Authorized use only\r\n"),
    Buffer.from("\n"),
    Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"),
    clearPacket(kexInit(lists)),
    clearPacket(Buffer.concat([Buffer.of(31), Buffer.alloc(100, 1)])),
    newKeys,
    ...[16, 32, 5, 1000].map((bytes) => sealedPacket(bytes, tagBytes)),
  ];
}

function pushed(cutter: SshPacketCutter, chunks: readonly Uint8Array[]): SshPacket[] {
  return chunks.flatMap((chunk) => cutter.push(chunk));
}

function joined(packets: readonly SshPacket[]): Buffer[] {
  return packets.map((packet) => Buffer.concat(packet));
}

for (const [what, lists, tagBytes] of [
  ["GCM", gcm, 16],
  ["encrypt-then-MAC", etm, 32],
] as const) {
  test(`With ${what} each line and each packet comes out alone, wherever the stream is split`, () => {
    const units = serverUnits(lists, tagBytes);
    const stream = Buffer.concat(units);
    for (let at = 0; at <= stream.length; at += 1) {
      const cutter = serverCutter(lists);
      const packets = pushed(cutter, [stream.subarray(0, at), stream.subarray(at)]);
      assert.deepEqual(joined(packets), units, `split at ${at}`);
      assert.deepEqual([cutter.pendingBytes, cutter.flush()], [0, []]);
    }
  });

  test(`With ${what} random splits give the same packets, down to single bytes`, () => {
    const units = serverUnits(lists, tagBytes);
    const stream = Buffer.concat(units);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 60 }), (places) => {
        assert.deepEqual(joined(pushed(serverCutter(lists), splitAt(stream, places))), units);
      }),
    );
    const everywhere = Array.from(stream.keys());
    assert.deepEqual(joined(pushed(serverCutter(lists), splitAt(stream, everywhere))), units);
  });
}

test("A packet is handed on by reference, in the slices that it came in", () => {
  const cutter = serverCutter();
  pushed(cutter, serverUnits());
  const packet = sealedPacket(32_000, 16);
  const [first, second] = [packet.subarray(0, 9000), packet.subarray(9000)];
  assert.deepEqual(cutter.push(first), []);
  assert.equal(cutter.pendingBytes, 9000);
  const slices = cutter.push(second)[0] ?? assert.fail();
  assert.deepEqual(
    slices.map((slice) => [slice.buffer === packet.buffer, slice.byteOffset, slice.length]),
    [first, second].map((slice) => [true, slice.byteOffset, slice.length]),
  );
});

test("The client's direction is cut by the same negotiation, after its own NEWKEYS", () => {
  const negotiation = new SshNegotiation();
  const [client, server] = [new SshPacketCutter("up", negotiation), new SshPacketCutter("down", negotiation)];
  const hello = [Buffer.from("SSH-2.0-ssh2js1.17.0\r\n"), clearPacket(kexInit(gcm)), clearPacket(Buffer.of(30))];
  assert.deepEqual(joined(client.push(Buffer.concat(hello))), hello);
  assert.deepEqual(joined(server.push(Buffer.concat(serverUnits()))), serverUnits());
  const sealed = [newKeys, sealedPacket(48, 16), sealedPacket(64, 16)];
  assert.deepEqual(joined(client.push(Buffer.concat(sealed))), sealed);
});

test("A rekey changes nothing: its packets are cut like all others", () => {
  const cutter = serverCutter();
  pushed(cutter, serverUnits());
  const units = [sealedPacket(1200, 16), sealedPacket(16, 16), sealedPacket(700, 16)];
  assert.deepEqual(joined(cutter.push(Buffer.concat(units))), units);
});

test("With a hidden length, or one offer missing, what follows NEWKEYS goes on as it comes", () => {
  const unknown = new SshPacketCutter("down", new SshNegotiation());
  for (const cutter of [serverCutter(hidden), unknown]) {
    const units = serverUnits(hidden).slice(0, 6);
    const [head, rest] = [randomBytes(70, 1), randomBytes(3, 2)];
    const packets = cutter.push(Buffer.concat([...units, head]));
    assert.deepEqual(joined([...packets, ...cutter.push(rest)]), [...units, Buffer.from(head), Buffer.from(rest)]);
    assert.equal(cutter.pendingBytes, 0);
  }
});

test("A length that cannot be makes its direction go on as it comes, for good", () => {
  for (const length of ["00000004", "00040001", "ffffffff", "00000000"]) {
    const cutter = serverCutter();
    pushed(cutter, serverUnits());
    const junk = Buffer.concat([Buffer.from(length, "hex"), Buffer.alloc(50)]);
    const later = sealedPacket(16, 16);
    const packets = pushed(cutter, [junk.subarray(0, 2), junk.subarray(2), Buffer.concat([later, later])]);
    assert.deepEqual(joined(packets), [junk.subarray(0, 2), junk.subarray(2), Buffer.concat([later, later])]);
    assert.equal(cutter.pendingBytes, 0);
  }
});

test("The largest packet is still held together, also when it trickles in", () => {
  const packet = sealedPacket(256 * 1024, 16);
  for (const chunkBytes of [packet.length, 1000, 100]) {
    const cutter = serverCutter();
    pushed(cutter, serverUnits());
    const places = Array.from({ length: Math.floor(packet.length / chunkBytes) }, (_, index) => index * chunkBytes);
    const packets = pushed(cutter, splitAt(packet, places));
    assert.deepEqual(packets.length, 1);
    assert.ok(Buffer.concat(packets[0] ?? []).equals(packet));
    assert.ok((packets[0]?.length ?? 0) <= 64, "so many slices fit into one writev");
  }
});

test("Lines without an end, and lines without end, do not pile up", () => {
  const endless = serverCutter();
  const chunk = Buffer.alloc(5000, 0x41);
  assert.deepEqual(joined(pushed(endless, [chunk, chunk, chunk])), [chunk, chunk, chunk]);
  assert.equal(endless.pendingBytes, 0);
  const lines = serverCutter().push(Buffer.alloc(100_000, 0x0a));
  assert.equal(lines.length, 1025, "as many lines as OpenSSH reads, and the rest in one");
});

test("What is left at the end of the stream is given back, and later bytes go on as they come", () => {
  const cutter = serverCutter();
  pushed(cutter, serverUnits());
  const packet = sealedPacket(100, 16);
  const rest = packet.subarray(0, 50);
  cutter.push(packet.subarray(0, 60));
  assert.deepEqual(joined(cutter.flush()), [packet.subarray(0, 60)]);
  assert.deepEqual(cutter.flush(), []);
  assert.deepEqual(joined(cutter.push(rest)), [rest]);
});

test("Whatever bytes come, nothing is lost or added, nothing throws, and never is more held back than one packet", () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 600, size: "max" });
  // Numbers that make lengths plausible, so that random bytes get far; and true beginnings, so that they get everywhere.
  const likely = fc.array(fc.constantFrom(0, 0, 0, 0, 1, 5, 10, 20, 21, 83, 255), { minLength: 1, maxLength: 60 });
  const chunks = fc.array(
    fc.oneof(
      chunk,
      likely.map((bytes) => Uint8Array.from(bytes)),
    ),
    { maxLength: 40 },
  );
  const beginning = fc.nat(serverUnits().length).map((count) => Buffer.concat(serverUnits().slice(0, count)));
  fc.assert(
    fc.property(beginning, chunks, (start, random) => {
      const cutter = serverCutter();
      const all = [start, ...random];
      const packets: SshPacket[] = [];
      for (const bytes of all) {
        packets.push(...cutter.push(bytes));
        assert.ok(cutter.pendingBytes <= mostPendingBytes);
      }
      packets.push(...cutter.flush());
      assert.deepEqual(Buffer.concat(joined(packets)), Buffer.concat(all));
    }),
    { numRuns: rounds(1000) },
  );
});

test("A hostile stream of megabytes never makes a cutter hold more than its bound", () => {
  for (let seed = 1; seed <= rounds(20, 4); seed += 1) {
    const cutter = serverCutter(seed % 2 === 0 ? gcm : etm);
    pushed(cutter, serverUnits(seed % 2 === 0 ? gcm : etm, seed % 2 === 0 ? 16 : 32));
    // Each length is just the largest that is believed, and its packet never ends where the next one begins.
    const stream = Buffer.alloc(1 << 20, Buffer.from("00040000", "hex"));
    let most = 0;
    for (const bytes of splitAt(
      stream,
      Array.from(stream.keys()).filter((at) => at % (seed * 997) === 0),
    )) {
      cutter.push(bytes);
      most = Math.max(most, cutter.pendingBytes);
    }
    assert.ok(most <= mostPendingBytes, `${most} bytes were held`);
  }
});

/** The stream in chunks, split at these places; empty chunks fall out. */
function splitAt(stream: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.toSorted((a, b) => a - b), stream.length];
  return cuts
    .slice(1)
    .map((to, index) => stream.subarray(cuts[index], to))
    .filter((chunk) => chunk.length > 0);
}
