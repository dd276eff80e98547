/**
 * The acceptance list of a capture (section 8 of its contract), as far as it needs no SSH keys: real tools read what the
 * codecs made of invented flows.
 */
import assert from "node:assert/strict";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pcapFormat, pcapngFormat } from "../../../../src/codec/capture/capture-file.ts";
import type { TcpDirection } from "../../../../src/codec/capture/tcp-conversation.ts";
import { capinfos, expertWarnings, payloadOf, type Read, tcpdump, tshark, wireshark } from "../../../kit/capture.ts";
import { CaptureMaker } from "../../../kit/capture-maker.ts";
import { need } from "../../../kit/packages.ts";
import { randomBytes, sha256 } from "../../../kit/random.ts";
import { run } from "../../../kit/run.ts";
import { tempDirectory } from "../../../kit/temp.ts";

const limits = { skip: need("tshark", "capinfos", "tcpdump", "editcap", "mergecap"), timeout: 60_000 };
const live = { skip: need("tshark", "dumpcap"), timeout: 60_000 };

const directory = tempDirectory("capture");
const request = randomBytes(3001, 1);
const response = randomBytes(200_000, 2);
const writer = { application: "porthop 0.1.0", hardware: "x64", os: "Linux" };

/** One flow on legs 1 and 3, and some bytes on leg 2, over loopback addresses of this family. */
function carryFlow(maker: CaptureMaker, host: string, port: number): void {
  const near = maker.conversation(1, { host, port }, { host, port: 3456 });
  const ssh = maker.conversation(2, { host, port: port + 1 }, { host, port: 9022 });
  const far = maker.conversation(3, { host, port: port + 2 }, { host, port: 7777 });
  const all = [near, ssh, far];
  for (const tcp of all) tcp.open(`porthop flow=L1#${port} target=db.internal:7777`);
  const carry = (direction: TcpDirection, bytes: Uint8Array) => {
    for (const tcp of all) tcp.data(direction, [bytes]);
  };
  carry("up", request);
  for (const tcp of all) tcp.end("up");
  // The half-close: all of the answer comes after the end of the question.
  for (let at = 0; at < response.length; at += 70_001) carry("down", response.subarray(at, at + 70_001));
  for (const tcp of all) tcp.end("down");
}

/** What must look perfect: both families, the wrap of sequence numbers, largest segments, and 100 connections at once. */
function makeClean(maker: CaptureMaker): void {
  carryFlow(maker, "127.0.0.1", 33_000);
  carryFlow(maker, "::1", 33_100);
  maker.learn([{ address: "198.18.0.2", name: "late.internal" }]);
  const to = { host: "198.18.0.1", port: 7777 };
  const sequences = { up: 0xffff0000, down: 0xfffffff0 };
  const wrapping = maker.conversation(3, { host: "198.18.0.9", port: 4000 }, to, sequences);
  wrapping.open();
  for (const direction of ["up", "down", "up"] as const) wrapping.data(direction, [new Uint8Array(65_000)]);
  wrapping.end("down");
  wrapping.end("up");
  const parallel = Array.from({ length: 100 }, (_, index) => {
    return maker.conversation(1, { host: "10.0.0.1", port: 20_000 + index }, { host: "10.0.0.2", port: 3456 });
  });
  for (const tcp of parallel) tcp.open();
  for (const tcp of parallel) tcp.data("up", [request]);
  for (const tcp of parallel) tcp.data("down", [request, request]);
  for (const tcp of parallel) tcp.end("up");
  for (const tcp of parallel) tcp.end("down");
}

/** What broke or was refused, on each family. */
function makeBroken(maker: CaptureMaker): void {
  for (const host of ["127.0.0.1", "::1"]) {
    const reset = maker.conversation(1, { host, port: 5001 }, { host, port: 3456 });
    reset.open();
    reset.data("up", [request]);
    reset.abort("down", "session lost");
    maker.conversation(3, { host, port: 5002 }, { host, port: 81 }).refused("porthop leg=3", "connection refused");
  }
}

function written(name: string, make: (maker: CaptureMaker) => void, format = pcapngFormat(writer)): string {
  const maker = new CaptureMaker(format, [{ address: "198.18.0.1", name: "db.internal" }]);
  make(maker);
  const path = join(directory, name);
  writeFileSync(path, maker.file());
  return path;
}

const clean = written("clean.pcapng", makeClean);
const broken = written("broken.pcapng", makeBroken);

test("tshark reads it all without a word of complaint", limits, async () => {
  for (const file of [clean, broken]) {
    const { code, stderr } = await tshark(file);
    assert.deepEqual([code, stderr], [0, ""]);
  }
});

test("capinfos finds the interfaces, their packets, the names and the order of time", limits, async () => {
  const told = await facts(clean);
  assert.equal(told.get("File type"), "pcapng");
  assert.equal(told.get("File encapsulation"), "ether");
  assert.equal(told.get("File timestamp precision"), "nanoseconds (9)");
  assert.equal(told.get("Strict time order"), "True");
  assert.equal(told.get("Capture application"), "porthop 0.1.0");
  assert.equal(told.get("Number of interfaces in file"), "3");
  assert.equal(told.get("Number of resolved IPv4 addresses in file"), "2");
  const { stdout } = await capinfos(clean, ["-M"]);
  const all = (pattern: RegExp) => Array.from(stdout.matchAll(pattern), ([, value]) => value);
  assert.deepEqual(all(/ Name = (.*)/g), ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target"]);
  assert.deepEqual(all(/ Number of stat entries = (\d+)/g), ["1", "1", "1"]);
  const perInterface = all(/ Number of packets = (\d+)/g).map(Number);
  assert.equal(perInterface.length, 3);
  assert.equal(
    perInterface.reduce((sum, count) => sum + count, 0),
    Number(told.get("Number of packets")),
  );
});

test("tcpdump reads every packet and finds no checksum incorrect", limits, async () => {
  for (const file of [clean, broken]) {
    const { stdout, stderr } = await succeeded(tcpdump(file, ["-vv"]));
    assert.match(stderr, /link-type EN10MB \(Ethernet\), snapshot length 262144/);
    assert.match(stdout, /cksum 0x[0-9a-f]+ \(correct\)/);
    assert.doesNotMatch(stdout, /incorrect|bad/);
    const { lines } = await succeeded(tcpdump(file));
    assert.equal(String(lines.length), (await facts(file)).get("Number of packets"));
  }
});

test("tshark's analysis flags nothing, its experts warn of nothing, and all checksums are good", limits, async () => {
  assert.deepEqual(await shown(clean, "tcp.analysis.flags"), []);
  assert.deepEqual(await expertWarnings(clean), []);
  for (const file of [clean, broken]) assert.deepEqual(await shown(file, badChecksum, ...checkAll), []);
  const good = await shown(clean, "tcp.checksum.status==1", ...checkAll);
  assert.equal(String(good.length), (await facts(clean)).get("Number of packets"), "every checksum was looked at");
});

test("What broke is a reset and what was refused is refused; nothing else is said of them", limits, async () => {
  const warnings = await succeeded(tshark(broken, ["-q", "-z", "expert,warn"]));
  const items = warnings.lines.filter((line) => /^\s+\d+\s/.test(line));
  assert.equal(items.length, 1, warnings.stdout);
  assert.match(items[0] ?? "", /Connection reset \(RST\)/);
  assert.deepEqual(new Set((await completeness(broken)).values()), new Set(["47", "37"]));
  const reasons = await fields(broken, "tcp.flags.reset==1", "frame.comment");
  assert.deepEqual(reasons, ["session lost", "connection refused", "session lost", "connection refused"]);
});

test("Every connection is complete from SYN to both FINs", limits, async () => {
  const perStream = await completeness(clean);
  assert.equal(perStream.size, 107);
  assert.deepEqual(new Set(perStream.values()), new Set(["31"]));
});

test("Each packet is on its leg's interface, with its leg's addresses and a direction", limits, async () => {
  const rows = await fields(clean, "eth", "frame.interface_id", "frame.interface_name", "eth.src", "eth.dst");
  const expected = ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target"].flatMap((name, index) => {
    const [dialer, acceptor] = [`02:70:68:0${index + 1}:00:01`, `02:70:68:0${index + 1}:00:02`];
    return [`${index}\t${name}\t${dialer}\t${acceptor}`, `${index}\t${name}\t${acceptor}\t${dialer}`];
  });
  assert.deepEqual(new Set(rows), new Set(expected));
  const directions = await fields(clean, "eth", "frame.packet_flags_direction", "eth.src");
  for (const row of directions) assert.match(row, /^0x00000002\t.*:01$|^0x00000001\t.*:02$/);
});

test("The payload of legs 1 and 3 is what was carried, and so is a followed stream", limits, async () => {
  const sumOf = (bytes: Uint8Array) => ({ bytes: bytes.length, sha256: sha256(bytes) });
  for (const [leg, ports] of [
    ["leg1-app-listener", [33_000, 33_100]],
    ["leg3-sshd-target", [33_002, 33_102]],
  ] as const) {
    for (const port of ports) {
      assert.deepEqual(await payloadOf(clean, leg, "up", `tcp.port==${port}`), sumOf(request));
      assert.deepEqual(await payloadOf(clean, leg, "down", `tcp.port==${port}`), sumOf(response));
    }
  }
  const { stdout } = await succeeded(tshark(clean, ["-q", "-z", "follow,tcp,raw,2"]));
  const hex = Array.from(stdout.matchAll(/^\t?([0-9a-f]+)$/gm), ([, line]) => line).join("");
  assert.ok(Buffer.from(hex, "hex").equals(Buffer.concat([request, response])));
});

test("Comments find the legs of a flow, and names stand for the addresses that they were given", limits, async () => {
  assert.equal((await shown(clean, 'frame.comment contains "flow=L1#33000"')).length, 3);
  assert.match((await shown(clean, "ip.addr==198.18.0.1", "-N", "n")).join("\n"), /db\.internal/);
  assert.doesNotMatch((await shown(clean, "ip.addr==127.0.0.1", "-N", "n")).join("\n"), /internal/);
});

test("editcap and mergecap take it, and the interfaces stay three", limits, async () => {
  const [edited, merged, classic] = [
    join(directory, "e.pcapng"),
    join(directory, "m.pcapng"),
    join(directory, "c.pcap"),
  ];
  await succeeded(wireshark("editcap", [clean, edited]));
  await succeeded(wireshark("mergecap", ["-w", merged, clean, broken]));
  assert.equal((await facts(merged)).get("Number of interfaces in file"), "3");
  await succeeded(wireshark("editcap", ["-F", "nsecpcap", clean, classic]));
  assert.match((await succeeded(capinfos(classic, ["-t"]))).stdout, /nanosecond pcap/);
});

test("A port used again with new numbers is a session of its own", limits, async () => {
  const reused = written("reused.pcapng", (maker) => {
    carryFlow(maker, "127.0.0.1", 33_000);
    carryFlow(maker, "127.0.0.1", 33_000);
  });
  assert.equal((await completeness(reused)).size, 6);
  const notes = await fields(reused, "tcp.analysis.flags", "_ws.expert.message");
  assert.equal(notes.length, 3);
  for (const note of notes) assert.match(note, /A new tcp session is started with the same ports/);
});

test("Bytes that were dropped are told as not captured, and nothing else is said", limits, async () => {
  const lossy = written("lossy.pcapng", (maker) => {
    const tcp = maker.conversation(1, { host: "127.0.0.1", port: 1000 }, { host: "127.0.0.1", port: 2000 });
    tcp.open();
    tcp.data("up", [request]);
    tcp.skip("up", 100_000);
    tcp.data("up", [request]);
    for (const direction of ["up", "down"] as const) tcp.end(direction);
  });
  const notes = await fields(lossy, "tcp.analysis.flags", "_ws.expert.message");
  assert.equal(notes.length, 2);
  assert.match(notes[0] ?? "", /Previous segment\(s\) not captured/);
  assert.match(notes[1] ?? "", /ACKed segment that wasn't captured/);
});

test("With a snapshot length the tools read on, and know how long the packets were", limits, async () => {
  const { stdout: whole } = await succeeded(tcpdump(clean));
  for (const format of [pcapngFormat, pcapFormat]) {
    const file = written(`${format.name}.snap`, makeClean, format({ ...writer, snapLength: 128 }));
    const { stdout, stderr } = await succeeded(tcpdump(file));
    assert.match(stderr, /snapshot length 128/);
    assert.ok(stdout === whole, "tcpdump tells the same of the cut packets");
    assert.ok((await fields(file, "eth", "frame.cap_len", "frame.len")).includes("128\t65054"));
    assert.deepEqual(await shown(file, "tcp.analysis.flags"), []);
  }
});

test("The pcap file has the same packets, nanoseconds and the marked addresses", limits, async () => {
  const twin = written("clean.pcap", makeClean, pcapFormat(writer));
  const { stdout } = await succeeded(capinfos(twin, ["-t", "-E"]));
  assert.match(stdout, /nanosecond pcap/);
  assert.match(stdout, /Ethernet/);
  const columns = ["frame.time_epoch", "frame.len", "eth.src", "eth.dst", "ip.dst", "tcp.seq_raw", "tcp.checksum"];
  const [ofTwin, ofClean] = [await fields(twin, "eth", ...columns), await fields(clean, "eth", ...columns)];
  assert.ok(ofTwin.length > 1000 && ofTwin.join() === ofClean.join());
  assert.deepEqual(await shown(twin, "tcp.analysis.flags"), []);
  assert.deepEqual(await shown(twin, badChecksum, ...checkAll), []);
});

test("A file that was cut off is read up to the cut", limits, async () => {
  for (const format of [pcapngFormat(writer), pcapFormat(writer)]) {
    const file = written("cut", makeClean, format);
    const whole = (await fields(file, "eth", "frame.len")).length;
    truncateSync(file, 500_001);
    const seen = await tshark(file);
    assert.equal(seen.code, 2);
    assert.match(seen.stderr, /cut short in the middle of a packet/);
    assert.ok(seen.lines.length > 20 && seen.lines.length < whole, `${seen.lines.length} of ${whole}`);
    const dumped = await tcpdump(file);
    assert.deepEqual([dumped.code, dumped.lines.length], [1, seen.lines.length]);
  }
});

test("dumpcap takes it from a pipe, with all packets, interfaces, comments and names", live, async () => {
  const copy = join(directory, "live.pcapng");
  const { code, stderr } = await run("dumpcap", ["-q", "-i", "-", "-w", copy], { input: readFileSync(clean) });
  assert.equal(code, 0, stderr);
  const [told, original] = [await facts(copy), await facts(clean)];
  for (const what of ["packets", "interfaces in file", "resolved IPv4 addresses in file"]) {
    assert.equal(told.get(`Number of ${what}`), original.get(`Number of ${what}`), what);
  }
  assert.equal((await shown(copy, 'frame.comment contains "flow=L1#33000"')).length, 3);
});

const badChecksum = "tcp.checksum.status==0 || ip.checksum.status==0";
const checkAll = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];

/** What a tool that is to succeed printed. */
async function succeeded(reading: Promise<Read>): Promise<Read> {
  const read = await reading;
  assert.equal(read.code, 0, read.stderr);
  return read;
}

/** A line for each packet that matches, of these fields with tabs between. */
async function fields(file: string, filter: string, ...names: readonly string[]): Promise<readonly string[]> {
  const args = ["-Y", filter, "-T", "fields", ...names.flatMap((name) => ["-e", name])];
  return (await succeeded(tshark(file, args))).lines;
}

/** The packets that match, as tshark lists them. */
async function shown(file: string, filter: string, ...options: readonly string[]): Promise<readonly string[]> {
  return (await succeeded(tshark(file, [...options, "-Y", filter]))).lines;
}

/** What tshark saw of each stream: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST. */
async function completeness(file: string): Promise<Map<string, string>> {
  // In two passes: in one, a RST that is the last packet is not counted yet.
  const args = ["-2", "-T", "fields", "-e", "tcp.stream", "-e", "tcp.completeness"];
  const { lines } = await succeeded(tshark(file, args));
  return new Map(lines.map((line) => line.split("\t", 2) as [string, string]));
}

/** capinfos' lines of a name and a value. */
async function facts(file: string): Promise<Map<string, string>> {
  const { stdout } = await succeeded(capinfos(file, ["-M"]));
  const lines = stdout.matchAll(/^(\S[^:=]*?)(?::| =)\s+(.*)$/gm);
  return new Map(Array.from(lines, ([, name = "", value = ""]) => [name, value]));
}
