/**
 * The acceptance list of a capture (section 8 of its contract), as far as it needs no SSH keys: real tools read the files
 * that the plugin wrote of flows that a test plays.
 */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { capinfos, expertWarnings, payloadOf, type Read, tcpdump, tshark, wireshark } from "../../kit/capture.ts";
import { CaptureScene, turn } from "../../kit/capture-scene.ts";
import { need } from "../../kit/packages.ts";
import { readCapture } from "../../kit/packet-reader.ts";
import { randomBytes, sha256 } from "../../kit/random.ts";
import { run } from "../../kit/run.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const limits = { skip: need("tshark", "capinfos", "tcpdump", "editcap", "mergecap", "dumpcap"), timeout: 120_000 };

const folder = tempDirectory("capture-tools");
after(() => removeTemp(folder));

const request = randomBytes(3001, 1);
const answer = randomBytes(200_000, 2);
const server = "10.0.0.2";
const target = { host: "10.0.0.3", port: 5432 };

/** One session and what must look perfect: flows over both families, to names and sockets, and a hundred at once. */
async function playClean(scene: CaptureScene): Promise<void> {
  const wire = scene.host.startSession(
    "vishnu.example",
    { host: "10.0.0.1", port: 33_450 },
    { host: server, port: 9022 },
  );
  wire.opened();
  wire.bytes("up", Buffer.from("SSH-2.0-porthop\r\n"));
  wire.bytes("down", Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"));
  for (const direction of ["up", "down"] as const) wire.bytes(direction, randomBytes(100_000, 3));
  const located = scene.enter({ id: "L1#1", target });
  await scene.dial(located, { from: { host: server, port: 33_513 } });
  scene.exchange(located, request, answer);
  const six = { host: "::1", port: 3456 };
  const overSix = scene.enter({
    id: "L1#2",
    origin: { host: "::1", port: 4000 },
    listen: six,
    target: { host: "::1", port: 7777 },
  });
  await scene.dial(overSix);
  scene.exchange(overSix, request, answer);
  const named = scene.enter({
    id: "D1#1",
    origin: { host: "127.0.0.1", port: 4001 },
    target: { host: "db.internal", port: 7777 },
  });
  await scene.dial(named);
  scene.exchange(named, request, answer);
  for (const number of [2, 3]) {
    const path = "/run/db.sock";
    const unix = scene.enter({ id: `U1#${number}`, origin: { path }, listen: { path }, target: { path } });
    await scene.dial(unix);
    scene.exchange(unix, request, answer);
  }
  const parallel = Array.from({ length: 100 }, (_, index) =>
    scene.enter({ id: `P1#${index}`, origin: { host: "127.0.0.1", port: 20_000 + index }, target }),
  );
  for (const flow of parallel) await scene.dial(flow);
  for (const flow of parallel) scene.send(flow, "up", request);
  for (const flow of parallel) scene.exchange(flow, request, request);
  wire.ended("up");
  wire.ended("down");
}

/** Reset by either end, refused, prohibited, and a session lost. */
async function playBroken(scene: CaptureScene): Promise<void> {
  const wire = scene.host.startSession("vishnu", { host: "10.0.0.1", port: 33_450 }, { host: server, port: 9022 });
  wire.opened();
  const enter = (id: string, port: number) => scene.enter({ id, origin: { host: "127.0.0.1", port }, target });
  for (const leg of [1, 3] as const) {
    const reset = enter(`L1#${leg}`, 5000 + leg);
    await scene.dial(reset);
    scene.send(reset, "up", request);
    scene.break(reset, new PorthopError("target.refused", `leg ${leg} was reset`, { leg }));
  }
  const refused = enter("L1#4", 5004);
  const no = new PorthopError("target.refused", "connection refused", { leg: 3 });
  refused.legs[2].refused(no);
  refused.legs[0].aborted("down", no);
  const prohibited = enter("L1#5", 5005);
  prohibited.legs[0].aborted("down", new PorthopError("target.prohibited", "administratively prohibited", { leg: 3 }));
  const cut = enter("L1#6", 5006);
  await scene.dial(cut);
  scene.send(cut, "down", answer);
  const lost = new PorthopError("ssh.lost", "session lost", { leg: 2 });
  wire.aborted("down", lost);
  scene.break(cut, lost);
}

async function recorded(
  name: string,
  play: (scene: CaptureScene) => Promise<void>,
  options: Readonly<Record<string, string>> = {},
): Promise<string> {
  const scene = await CaptureScene.start(join(folder, name), options);
  await play(scene);
  await scene.close();
  assert.match(scene.host.lines.join("\n"), /^info \d+ packets in [^\n]*$/);
  return scene.file;
}

const clean = await recorded("clean.pcapng", playClean);
const broken = await recorded("broken.pcapng", playBroken);
const twin = await recorded("twin.pcap", playClean);

test("tshark reads it all without a word of complaint.", limits, async () => {
  for (const file of [clean, broken, twin]) {
    const { code, stderr } = await tshark(file);
    assert.deepEqual([code, stderr], [0, ""]);
  }
});

test(
  "capinfos finds the interfaces, their packets, the names, the application and the order of time.",
  limits,
  async () => {
    const { stdout } = await ok(capinfos(clean, ["-M"]));
    const facts = factsOf(stdout);
    for (const [name, value] of [
      ["File type", "pcapng"],
      ["File encapsulation", "ether"],
      ["File timestamp precision", "nanoseconds (9)"],
      ["Strict time order", "True"],
      ["Capture application", "porthop 0.1.0"],
      ["Number of interfaces in file", "3"],
      // Of the server, db.internal and the socket.
      ["Number of resolved IPv4 addresses in file", "3"],
      ["Number of decryption secrets in file", undefined],
    ] as const) {
      assert.equal(facts.get(name), value, name);
    }
    assert.deepEqual(
      [...stdout.matchAll(/ Name = (.*)/g)].map(([, name]) => name),
      ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target"],
    );
    const counts = [...stdout.matchAll(/ Number of packets = (\d+)/g)].map(([, count]) => Number(count));
    assert.equal(String(counts.reduce((sum, count) => sum + count, 0)), facts.get("Number of packets"));
    assert.match(stdout, /Description = .*synthesised/);
  },
);

test("tcpdump reads every packet and finds no checksum incorrect.", limits, async () => {
  for (const file of [clean, broken, twin]) {
    const { lines, stderr } = await ok(tcpdump(file));
    assert.match(stderr, /link-type EN10MB \(Ethernet\), snapshot length 262144/);
    assert.equal(String(lines.length), factsOf((await ok(capinfos(file, ["-M"]))).stdout).get("Number of packets"));
    assert.doesNotMatch((await ok(tcpdump(file, ["-vv"]))).stdout, /incorrect|bad-/);
  }
});

test("The analysis flags nothing, the expert warns of nothing, and all checksums are good.", limits, async () => {
  assert.deepEqual((await ok(tshark(clean, ["-Y", "tcp.analysis.flags"]))).lines, []);
  assert.deepEqual(await expertWarnings(clean), []);
  const checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y"];
  for (const file of [clean, broken]) {
    assert.deepEqual(
      (await ok(tshark(file, [...checks, "tcp.checksum.status==0 || ip.checksum.status==0"]))).lines,
      [],
    );
  }
  const good = await ok(tshark(clean, [...checks, "tcp.checksum.status==1"]));
  assert.ok(good.lines.length > 2000, "the checksums were looked at");
});

test("Every connection is complete, from SYN to both FINs.", limits, async () => {
  const streams = await completeness(clean);
  // 105 flows on legs 1 and 3, and the session.
  assert.equal(streams.size, 211);
  assert.deepEqual(new Set(streams.values()), new Set(["31"]));
});

test("What broke is a reset, what was refused is refused, what was prohibited was never dialed.", limits, async () => {
  const expert = await ok(tshark(broken, ["-q", "-z", "expert,warn"]));
  const items = expert.stdout.split("\n").filter((line) => /^\s+\d+\s/.test(line));
  assert.equal(items.length, 1, expert.stdout);
  assert.match(items[0] ?? "", /Connection reset \(RST\)/);
  const resets = await fields(broken, "tcp.flags.reset==1", "frame.interface_id", "ip.src", "frame.comment");
  const comment = (flow: string, leg: number, text: string) => `porthop flow=${flow} leg=${leg}: ${text}`;
  assert.deepEqual(resets, [
    `0\t127.0.0.1\t${comment("L1#1", 1, "leg 1 was reset")}`,
    `2\t${server}\t${comment("L1#1", 3, "leg 1 was reset")}`,
    `0\t127.0.0.1\t${comment("L1#3", 1, "leg 3 was reset")}`,
    `2\t10.0.0.3\t${comment("L1#3", 3, "leg 3 was reset")}`,
    "2\t10.0.0.3\tconnection refused",
    `0\t127.0.0.1\t${comment("L1#4", 1, "connection refused")}`,
    `0\t127.0.0.1\t${comment("L1#5", 1, "administratively prohibited")}`,
    `1\t${server}\tporthop leg=2: session lost`,
    `0\t127.0.0.1\t${comment("L1#6", 1, "session lost")}`,
  ]);
  assert.deepEqual(await fields(broken, 'frame.comment contains "flow=L1#5"', "frame.interface_id"), ["0", "0"]);
  // SYN, RST: 37. With data and a RST: 47. Without data: 39. Leg 3 of the lost session just stops: 15.
  assert.deepEqual(new Set((await completeness(broken)).values()), new Set(["37", "47", "39", "15"]));
});

test("Each packet is on its leg's interface, with its leg's addresses and a direction.", limits, async () => {
  const names = ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target"];
  const columns = ["frame.interface_id", "frame.interface_name", "frame.packet_flags_direction", "eth.src", "eth.dst"];
  const expected = names.flatMap((name, index) => {
    const [dialer, acceptor] = [`02:70:68:0${index + 1}:00:01`, `02:70:68:0${index + 1}:00:02`];
    return [
      `${index}\t${name}\t0x00000002\t${dialer}\t${acceptor}`,
      `${index}\t${name}\t0x00000001\t${acceptor}\t${dialer}`,
    ];
  });
  assert.deepEqual(new Set(await fields(clean, "eth", ...columns)), new Set(expected));
});

test("Legs 1 and 3 carry the same bytes both ways, and they are those that were sent.", limits, async () => {
  for (const [direction, sent] of [
    ["up", request],
    ["down", answer],
  ] as const) {
    const near = await payloadOf(clean, "leg1-app-listener", direction, "tcp.port==40000");
    const far = await payloadOf(clean, "leg3-sshd-target", direction, "tcp.port==33513");
    assert.deepEqual([near, far], [{ bytes: sent.length, sha256: sha256(sent) }, near]);
    assert.deepEqual(
      await payloadOf(clean, "leg1-app-listener", direction),
      await payloadOf(clean, "leg3-sshd-target", direction),
    );
  }
});

test("Following a stream gives the application's data byte for byte.", limits, async () => {
  const [stream] = await fields(clean, "tcp.port==33513", "tcp.stream");
  const { stdout } = await ok(tshark(clean, ["-q", "-z", `follow,tcp,raw,${stream}`]));
  const hex = [...stdout.matchAll(/^\t?([0-9a-f]+)$/gm)].map(([, line]) => line).join("");
  assert.equal(Buffer.compare(Buffer.from(hex, "hex"), Buffer.concat([request, answer])), 0);
});

test("Comments find the legs of a flow, and names stand for made-up addresses only.", limits, async () => {
  const found = await fields(clean, 'frame.comment contains "flow=L1#1 "', "frame.interface_id");
  assert.deepEqual(found, ["0", "2"]);
  const named = await fields(clean, "ip.addr==198.18.0.0/15", "-N", "ip.dst", "ip.dst_host");
  assert.ok(named.some((line) => line.includes("db.internal")) && named.some((line) => line.includes("/run/db.sock")));
});

test("editcap and mergecap take it, and the interfaces stay three.", limits, async () => {
  const [edited, merged, classic] = [join(folder, "e.pcapng"), join(folder, "m.pcapng"), join(folder, "c.pcap")];
  await ok(wireshark("editcap", [clean, edited]));
  await ok(wireshark("mergecap", ["-w", merged, clean, broken]));
  assert.equal(factsOf((await ok(capinfos(merged, ["-M"]))).stdout).get("Number of interfaces in file"), "3");
  await ok(wireshark("editcap", ["-F", "nsecpcap", clean, classic]));
  assert.match((await ok(capinfos(classic, ["-t"]))).stdout, /nanosecond pcap/);
});

test("The .pcap twin has the same packets of all legs, told apart by their addresses.", limits, async () => {
  assert.match((await ok(capinfos(twin, ["-t", "-E"]))).stdout, /nanosecond pcap[\s\S]*Ethernet/);
  const columns = ["eth.src", "eth.dst", "frame.len", "tcp.len", "tcp.flags"];
  assert.deepEqual(await fields(twin, "eth", ...columns), await fields(clean, "eth", ...columns));
  assert.deepEqual((await ok(tshark(twin, ["-Y", "tcp.analysis.flags"]))).lines, []);
  assert.match(factsOf((await ok(capinfos(twin, ["-M"]))).stdout).get("Strict time order") ?? "", /True/);
});

test("It can be read while it comes through a pipe.", limits, async () => {
  const options = { input: readFileSync(clean) };
  const live = await run("tshark", ["-i", "-", "-c", "5"], options);
  assert.equal(live.stdout.trim().split("\n").length, 5);
  const copy = join(folder, "piped.pcapng");
  const dumped = await run("dumpcap", ["-q", "-i", "-", "-w", copy], options);
  assert.equal(dumped.code, 0, dumped.stderr);
  assert.deepEqual(
    await fields(copy, "eth", "frame.len", "frame.comment"),
    await fields(clean, "eth", "frame.len", "frame.comment"),
  );
});

test("A file that was cut off is read up to the cut.", limits, async () => {
  const file = join(folder, "cut.pcapng");
  copyFileSync(clean, file);
  truncateSync(file, 500_001);
  const shark = await tshark(file);
  assert.equal(shark.code, 2);
  assert.match(shark.stderr, /cut short in the middle of a packet/);
  const dump = await tcpdump(file);
  assert.equal(dump.code, 1);
  assert.ok(shark.lines.length > 20 && dump.lines.length === shark.lines.length);
});

test("While it is being written it can be read, and what was written so far is whole.", limits, async () => {
  const scene = await CaptureScene.start(join(folder, "growing.pcapng"));
  const flow = scene.enter({ target });
  await scene.dial(flow);
  scene.send(flow, "up", request);
  const copy = join(folder, "copy.pcapng");
  const lines = async () => {
    copyFileSync(scene.file, copy);
    return statSync(copy).size === 0 ? [] : (await ok(tshark(copy))).lines;
  };
  while ((await lines()).length < 10) await turn();
  scene.exchange(flow, request, answer);
  await scene.close();
  assert.equal((await ok(tshark(scene.file))).lines.length, readCapture(scene.file).packets.length);
});

test("The file is its owner's alone.", limits, () => {
  for (const file of [clean, twin]) assert.equal((statSync(file).mode & 0o777).toString(8), "600");
});

test("A port used again is a session of its own, and nothing is taken for a retransmission.", limits, async () => {
  const reused = await recorded("reused.pcapng", async (scene) => {
    for (const id of ["L1#1", "L1#2"]) {
      const flow = scene.enter({ id, target });
      await scene.dial(flow, { from: { host: server, port: 33_513 } });
      scene.exchange(flow, request, answer);
    }
  });
  assert.equal((await completeness(reused)).size, 4);
  const notes = await fields(reused, "tcp.analysis.flags", "_ws.expert.message");
  assert.equal(notes.length, 2);
  for (const note of notes) assert.match(note, /A new tcp session is started with the same ports/);
});

test("With a snaplen both tools read on, and know how long the packets were.", limits, async () => {
  for (const name of ["snap.pcapng", "snap.pcap"]) {
    const file = await recorded(name, playClean, { snaplen: "128" });
    const { stderr, lines } = await ok(tcpdump(file));
    assert.match(stderr, /snapshot length 128/);
    assert.equal(lines.length, (await ok(tcpdump(clean))).lines.length);
    assert.ok((await fields(file, "frame.cap_len==128", "frame.len")).includes("65054"));
    assert.deepEqual((await ok(tshark(file, ["-Y", "tcp.analysis.flags"]))).lines, []);
  }
});

test("With legs=1+3 the tools see two interfaces.", limits, async () => {
  const file = await recorded("two.pcapng", playClean, { legs: "1+3" });
  assert.equal(factsOf((await ok(capinfos(file, ["-M"]))).stdout).get("Number of interfaces in file"), "2");
  const names = new Set(await fields(file, "eth", "frame.interface_id", "frame.interface_name"));
  assert.deepEqual(names, new Set(["0\tleg1-app-listener", "1\tleg3-sshd-target"]));
});

async function ok(reading: Promise<Read>): Promise<Read> {
  const read = await reading;
  assert.equal(read.code, 0, read.stderr);
  return read;
}

/** A line for each packet that matches, of these fields with tabs between. `-N` among them resolves names. */
async function fields(file: string, filter: string, ...names: readonly string[]): Promise<readonly string[]> {
  const resolving = names.includes("-N") ? ["-N", "n"] : [];
  const columns = names.filter((name) => name !== "-N").flatMap((name) => ["-e", name]);
  return (await ok(tshark(file, [...resolving, "-Y", filter, "-T", "fields", ...columns]))).lines;
}

/** What tshark saw of each stream: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST. */
async function completeness(file: string): Promise<Map<string, string>> {
  // In two passes: in one, a RST that is the last packet is not counted yet.
  const { lines } = await ok(tshark(file, ["-2", "-T", "fields", "-e", "tcp.stream", "-e", "tcp.completeness"]));
  return new Map(lines.map((row) => row.split("\t", 2) as [string, string]));
}

/** capinfos' lines of a name and a value. */
function factsOf(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^(\S[^:=]*?)(?::| =)\s+(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
}
