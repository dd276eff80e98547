import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Frame,
  type FrameEnd,
  FrameSender,
  lengthOf,
  maxSegmentBytes,
  tcpFlags,
} from "../../../../src/codec/capture/frame.ts";
import { ipBytes } from "../../../../src/codec/ip-bytes.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { bytesOf } from "../../../kit/block-paper.ts";
import { type ReadFrame, readFrame } from "../../../kit/wire-reader.ts";

function end(host: string, port: number, role: FrameEnd["role"]): FrameEnd {
  return { ip: ipBytes(host) ?? assert.fail(`${host} is no address`), port, role };
}

function sender(leg: number, from: string, to: string): FrameSender {
  return new FrameSender(leg, end(from, 33458, "dialer"), end(to, 5432, "acceptor"));
}

const nothing: readonly Uint8Array[] = [];

test("A frame of IPv4 carries what it was given, behind 54 bytes of header", () => {
  const payload = [Buffer.from("hello "), Buffer.from("world")];
  const flags = tcpFlags.psh | tcpFlags.ack;
  const segment = { flags, sequence: 0xdeadbeef, acknowledgement: 7, payload };
  assert.deepEqual(read(sender(3, "10.0.0.1", "10.0.0.2").frame(segment)), {
    family: 4,
    sourceMac: "027068030001",
    targetMac: "027068030002",
    source: "0a000001",
    target: "0a000002",
    sourcePort: 33458,
    targetPort: 5432,
    sequence: 0xdeadbeef,
    acknowledgement: 7,
    flags: "PA",
    window: 65535,
    options: "",
    headerBytes: 54,
    payload: Buffer.from("hello world"),
  });
});

test("A frame of IPv6 has 74 bytes of header, and the acceptor's address as its source when it sends", () => {
  const acceptor = new FrameSender(2, end("2001:db8::2", 22, "acceptor"), end("2001:db8::1", 4000, "dialer"));
  const frame = read(acceptor.frame({ flags: tcpFlags.ack, sequence: 1, acknowledgement: 2, payload: nothing }));
  assert.deepEqual([frame.family, frame.headerBytes, frame.flags], [6, 74, "A"]);
  assert.deepEqual([frame.source, frame.sourcePort], ["20010db8000000000000000000000002", 22]);
  assert.deepEqual([frame.sourceMac, frame.targetMac], ["027068020002", "027068020001"]);
});

test("Only a SYN has options: the segment size of loopback, and a window scale", () => {
  for (const host of ["127.0.0.1", "::1"]) {
    const optionsOf = (flags: number) => read(sender(1, host, host).frame(empty(flags))).options;
    assert.equal(optionsOf(tcpFlags.syn), "0204ffd70103030a");
    assert.equal(optionsOf(tcpFlags.syn | tcpFlags.ack), "0204ffd70103030a");
    assert.equal(optionsOf(tcpFlags.fin | tcpFlags.ack), "");
  }
});

test("The payload is not copied before the frame is written: until then it is the caller's memory", () => {
  const payload = [Buffer.from("old"), new Uint8Array(1000)];
  const frame = sender(1, "::1", "::1").frame({ flags: tcpFlags.ack, sequence: 0, acknowledgement: 0, payload });
  assert.equal(frame.bytes, 74 + 1003);
  payload[0]?.set(Buffer.from("new"));
  assert.equal(read(frame).payload.subarray(0, 3).toString(), "new");
});

test("A frame that is cut at any length is the beginning of the whole one, with the whole one's lengths and checksum", () => {
  const payload = [Buffer.from("hello "), Buffer.from("to "), Buffer.from("the world")];
  for (const flags of [tcpFlags.ack, tcpFlags.syn]) {
    const frame = sender(1, "10.0.0.1", "10.0.0.2").frame({ flags, sequence: 1, acknowledgement: 2, payload });
    const whole = bytesOf(frame);
    for (let kept = 0; kept <= whole.length; kept += 1) {
      assert.deepEqual(bytesOf(frame, kept), whole.subarray(0, kept));
    }
  }
});

test("Checksums and lengths are right for any numbers, payload and cutting of the payload", () => {
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  const slices = fc.array(fc.uint8Array({ maxLength: 900, size: "max" }), { maxLength: 5 });
  const v4 = sender(1, "255.255.255.255", "0.0.0.0");
  const v6 = sender(255, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::");
  fc.assert(
    fc.property(u32, u32, fc.nat(0x1f), slices, (sequence, acknowledgement, flags, payload) => {
      for (const made of [v4, v6]) {
        const frame = read(made.frame({ flags, sequence, acknowledgement, payload }));
        assert.deepEqual([frame.sequence, frame.acknowledgement], [sequence, acknowledgement]);
        assert.deepEqual(frame.payload, Buffer.concat(payload));
      }
    }),
  );
});

test("The largest segment fits into IPv4 and IPv6", () => {
  for (const host of ["127.0.0.1", "::1"]) {
    const payload = [new Uint8Array(maxSegmentBytes).fill(0xff)];
    const frame = sender(1, host, host).frame({ flags: tcpFlags.ack, sequence: 0, acknowledgement: 0, payload });
    assert.equal(read(frame).payload.length, maxSegmentBytes);
  }
});

test("The identification of IPv4 runs on and starts over after 65535", () => {
  const made = sender(1, "127.0.0.1", "127.0.0.1");
  const ids = Array.from({ length: 65_540 }, () => identification(made.frame(empty(tcpFlags.ack))));
  assert.deepEqual(ids.slice(0, 3), [1, 2, 3]);
  assert.deepEqual(ids.slice(65_533, 65_538), [65_534, 65_535, 0, 1, 2]);
  read(made.frame(empty(tcpFlags.ack)));
});

test("Ends of different families are refused", () => {
  assert.throws(() => sender(1, "127.0.0.1", "::1"), Malformed);
});

test("The length of pieces is that of what they join to", () => {
  assert.equal(lengthOf([]), 0);
  assert.equal(lengthOf([new Uint8Array(3), new Uint8Array(0), new Uint8Array(4)]), 7);
});

function empty(flags: number) {
  return { flags, sequence: 0x01020304, acknowledgement: 0, payload: nothing };
}

function identification(frame: Frame): number {
  return bytesOf(frame).readUInt16BE(18);
}

function read(frame: Frame): ReadFrame {
  return readFrame([bytesOf(frame)]);
}
