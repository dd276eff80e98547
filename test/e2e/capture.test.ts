/** A capture of three flows, made by the executable, before the judges: the tools of its users. */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { capinfos, expertWarnings, payloadOf, tcpdump, tshark, wireshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { findTool, need } from "../kit/packages.ts";
import { randomBytes, sha256 } from "../kit/random.ts";
import { run } from "../kit/run.ts";
import { echoServer, httpServer, lateAnswerServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const tools = ["sshd", "ssh-keygen", "curl", "tshark", "capinfos", "tcpdump", "editcap", "mergecap", "dumpcap"];
const limits = { skip: need(...tools), timeout: 60_000 };
const captures = shared(makeCaptures);
const spoken = "what was said was echoed\n";

for (const format of ["pcapng", "pcap"] as const) {
  test(
    `tshark and tcpdump read a .${format} without a word, and see the same packets as capinfos.`,
    limits,
    async () => {
      const file = (await captures())[format];
      const shown = await tshark(file);
      assert.deepEqual([shown.code, shown.stderr], [0, ""]);
      const dumped = await tcpdump(file);
      assert.equal(dumped.code, 0);
      assert.match(dumped.stderr, /^reading from file .*, link-type EN10MB \(Ethernet\), snapshot length 262144\n$/);
      assert.ok(shown.lines.length > 50);
      assert.equal(dumped.lines.length, shown.lines.length);
      const count = /^Number of packets: +(\d+)$/m.exec((await capinfos(file, ["-cM"])).stdout)?.[1];
      assert.equal(Number(count), shown.lines.length);
    },
  );

  test(`Nothing about TCP in a .${format} is remarkable, and no checksum is wrong.`, limits, async () => {
    const file = (await captures())[format];
    assert.deepEqual((await tshark(file, ["-Y", "tcp.analysis.flags"])).lines, []);
    assert.deepEqual(await expertWarnings(file), []);
    const checked = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];
    const checksums = ["-Y", "tcp.checksum.status==1 && ip.checksum.status==1"];
    assert.equal((await tshark(file, [...checked, ...checksums])).lines.length, (await tshark(file)).lines.length);
    assert.doesNotMatch((await tcpdump(file, ["-vv"])).stdout, /incorrect/);
  });

  test(`Each of the seven connections in a .${format} is whole, from SYN to both FINs.`, limits, async () => {
    const file = (await captures())[format];
    const { lines } = await tshark(file, ["-T", "fields", "-e", "tcp.stream", "-e", "tcp.completeness"]);
    const last = new Map(lines.map((line) => line.split("\t") as [string, string]));
    assert.deepEqual([...last.values()], Array(7).fill("31"));
  });

  test(`A .${format} that was cut anywhere is read up to the cut.`, limits, async () => {
    const { directory, ...files } = await captures();
    const whole = readFileSync(files[format]);
    const cut = join(directory, `cut.${format}`);
    writeFileSync(cut, whole);
    // Both cuts are in the upload, whose packets are large: none falls between two of them.
    for (const bytes of [Math.floor(whole.length * 0.7), Math.floor(whole.length / 3)]) {
      truncateSync(cut, bytes);
      const shown = await tshark(cut);
      assert.equal(shown.code, 2);
      assert.match(shown.stderr, /cut short in the middle of a packet/);
      assert.ok(shown.lines.length > 10);
      const dumped = await tcpdump(cut);
      assert.equal(dumped.code, 1);
      assert.match(dumped.stderr, /truncated (pcapng )?dump file/);
    }
  });
}

test(
  "capinfos describes a pcapng in full: what made it, three interfaces, strict order, nanoseconds.",
  limits,
  async () => {
    const file = (await captures()).pcapng;
    const told = (await capinfos(file, ["-M"])).stdout;
    for (const line of [
      /^File type: +pcapng$/m,
      /^File encapsulation: +ether$/m,
      /^File timestamp precision: +nanoseconds \(9\)$/m,
      /^Strict time order: +True$/m,
      /^Capture application: porthop \d+\.\d+\.\d+$/m,
      /^Number of interfaces in file: 3$/m,
    ]) {
      assert.match(told, line);
    }
    const names = [...told.matchAll(/^ +Name = (.*)$/gm)].map(([, name]) => name);
    assert.deepEqual(names, ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target"]);
    assert.equal(told.match(/^ +Number of stat entries = 1$/gm)?.length, 3);
    assert.equal(told.match(/^ +Description = .*synthesised by porthop/gm)?.length, 3);
    assert.doesNotMatch(told, /decryption secrets/);
    const counts = [...told.matchAll(/^ +Number of packets = (\d+)$/gm)].map(([, count]) => Number(count));
    assert.equal(counts.length, 3);
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      (await tshark(file)).lines.length,
    );
  },
);

test("Every packet of a pcapng has its interface and its direction.", limits, async () => {
  const file = (await captures()).pcapng;
  const fields = ["frame.interface_id", "frame.interface_name", "frame.packet_flags_direction"];
  const { lines } = await tshark(file, ["-T", "fields", ...fields.flatMap((name) => ["-e", name])]);
  assert.deepEqual(
    [...new Set(lines)].sort(),
    ["0\tleg1-app-listener", "1\tleg2-ssh", "2\tleg3-sshd-target"].flatMap((leg) => [
      `${leg}\t0x00000001`,
      `${leg}\t0x00000002`,
    ]),
  );
});

test("A .pcap tells the legs apart by their Ethernet addresses, and has nanoseconds.", limits, async () => {
  const file = (await captures()).pcap;
  const told = (await capinfos(file, ["-tE"])).stdout;
  assert.match(told, /^File type: +Wireshark\/tcpdump\/\.\.\. - nanosecond pcap$/m);
  assert.match(told, /^File encapsulation: +Ethernet$/m);
  const { lines } = await tshark(file, ["-T", "fields", "-e", "eth.src", "-e", "eth.dst"]);
  const pairs = ["01", "02", "03"].flatMap((leg) => [
    `02:70:68:${leg}:00:01\t02:70:68:${leg}:00:02`,
    `02:70:68:${leg}:00:02\t02:70:68:${leg}:00:01`,
  ]);
  assert.deepEqual([...new Set(lines)].sort(), pairs);
});

test("Legs 1 and 3 carry the same bytes, those that were sent, and leg 2 carries none of them.", limits, async () => {
  const { pcapng, uploaded, ports } = await captures();
  for (const direction of ["up", "down"] as const) {
    const [leg1, leg3] = await Promise.all([
      payloadOf(pcapng, "leg1-app-listener", direction),
      payloadOf(pcapng, "leg3-sshd-target", direction),
    ]);
    assert.ok(leg1.bytes > 0);
    assert.deepEqual(leg1, leg3, direction);
  }
  const upload = await payloadOf(pcapng, "leg3-sshd-target", "up", `tcp.port == ${ports[1]}`);
  assert.deepEqual(upload, { bytes: uploaded.length, sha256: sha256(uploaded) });
  const clear = ["-Y", `frame.interface_id == 1 && frame contains "echoed"`];
  assert.deepEqual((await tshark(pcapng, clear)).lines, []);
});

test("Following a stream gives what the application said, byte for byte.", limits, async () => {
  const { pcapng, echoPort } = await captures();
  const { lines } = await tshark(pcapng, ["-Y", `tcp.dstport == ${echoPort}`, "-T", "fields", "-e", "tcp.stream"]);
  const [stream] = new Set(lines);
  const followed = (await tshark(pcapng, ["-q", "-z", `follow,tcp,raw,${stream}`])).stdout;
  const said = [...followed.matchAll(/^(\t?)([0-9a-f]+)$/gm)].map(([, tab, hex = ""]) => [
    tab === "" ? "client" : "server",
    Buffer.from(hex, "hex").toString(),
  ]);
  assert.deepEqual(said, [
    ["client", spoken],
    ["server", spoken],
  ]);
});

test("editcap, mergecap and dumpcap take a pcapng and keep its interfaces and comments.", limits, async () => {
  const { pcapng, directory } = await captures();
  const [edited, merged, piped] = ["edited", "merged", "piped"].map((name) => join(directory, `${name}.pcapng`));
  assert.ok(edited !== undefined && merged !== undefined && piped !== undefined);
  assert.equal((await wireshark("editcap", [pcapng, edited])).code, 0);
  assert.equal((await wireshark("mergecap", ["-w", merged, pcapng, edited])).code, 0);
  const dumped = await run(findTool("dumpcap") ?? "", ["-i", "-", "-w", piped], { input: readFileSync(pcapng) });
  const facts = async (file: string) => [
    /Number of interfaces in file: \d/.exec((await capinfos(file, ["-M"])).stdout)?.[0],
    (await tshark(file, ["-Y", "frame.comment"])).lines.length,
    (await tshark(file)).lines.length,
  ];
  const [interfaces, comments, packets] = await facts(pcapng);
  assert.ok(dumped.stderr.includes(`received/dropped on interface '-': ${packets}/0 (`), dumped.stderr);
  assert.deepEqual(await facts(edited), [interfaces, comments, packets]);
  assert.deepEqual(await facts(piped), [interfaces, comments, packets]);
  assert.deepEqual(await facts(merged), [interfaces, Number(comments) * 2, Number(packets) * 2]);
});

test("editcap makes a nanosecond pcap of a pcapng.", limits, async () => {
  const { pcapng, directory } = await captures();
  const converted = join(directory, "converted.pcap");
  assert.equal((await wireshark("editcap", ["-F", "nsecpcap", pcapng, converted])).code, 0);
  assert.match((await capinfos(converted, ["-t"])).stdout, /nanosecond pcap/);
});

test("tshark reads a pcapng from a pipe, as it would read a live one.", limits, async () => {
  const { pcapng } = await captures();
  const live = await run(findTool("tshark") ?? "", ["-i", "-", "-c", "5"], { input: readFileSync(pcapng) });
  assert.equal(live.stdout.trim().split("\n").length, 5, live.stderr);
});

test("Comments on the SYNs tie the legs to their flows and the flows to their forwards.", limits, async () => {
  const { pcapng, ports } = await captures();
  const fields = ["frame.interface_id", "frame.comment"].flatMap((name) => ["-e", name]);
  const { lines } = await tshark(pcapng, ["-Y", "tcp.flags == 0x002", "-T", "fields", ...fields]);
  const flow = (id: number, leg: number) =>
    `${leg - 1}\tporthop flow=L${id}#1 leg=${leg} forward=L${id} target=127.0.0.1:${ports[id - 1]} session=S1`;
  assert.deepEqual([...lines].sort(), [
    ...[1, 2, 3].map((id) => flow(id, 1)),
    "1\tporthop session=S1 leg=2 host=127.0.0.1",
    ...[1, 2, 3].map((id) => flow(id, 3)),
  ]);
});

test("A capture is for its owner only, whatever the umask and the file that was there before.", limits, async () => {
  const { pcapng, pcap, directory } = await captures();
  for (const file of [pcapng, pcap]) assert.equal(statSync(file).mode & 0o777, 0o600);
  const open = join(directory, "replaced.pcapng");
  writeFileSync(open, readFileSync(pcapng), { mode: 0o644 });
  const before = openSync(open, "r");
  await using target = await echoServer();
  await using sshd = await startSshd();
  const under = ["sh", "-c", 'umask 0; exec "$@"', "sh"];
  await using tunnel = await openTunnel(sshd, [target], { capture: open, under });
  await tunnel.stop();
  assert.equal(statSync(open).mode & 0o777, 0o600);
  // Whoever had the old file open has the old file.
  assert.deepEqual(readFileSync(before), readFileSync(pcapng));
  closeSync(before);
});

/** The same three flows into a pcapng and into a pcap: a page, a large upload with a late answer, an echo. */
async function makeCaptures() {
  const directory = tempDirectory("captures");
  const [pcapng, pcap] = [join(directory, "all.pcapng"), join(directory, "all.pcap")];
  const uploaded = randomBytes(300_000);
  await using sshd = await startSshd();
  await using web = await httpServer();
  await using late = await lateAnswerServer();
  await using echo = await echoServer();
  for (const capture of [pcap, pcapng]) {
    await using tunnel = await openTunnel(sshd, [web, late, echo], { capture });
    await run("curl", ["-sS", `http://127.0.0.1:${tunnel.port}/`]);
    await using upload = await tunnel.connect(1);
    await upload.send([uploaded]);
    upload.end();
    await upload.received;
    assert.equal(upload.text, `300000 ${sha256(uploaded)}\n`);
    await using talk = await tunnel.connect(2);
    await talk.send(spoken);
    await talk.got(spoken.length);
    talk.end();
    await talk.received;
    assert.equal((await tunnel.stop()).code, 0);
  }
  return {
    directory,
    pcapng,
    pcap,
    uploaded,
    echoPort: echo.port,
    ports: [web.port, late.port, echo.port],
    async [Symbol.asyncDispose]() {
      removeTemp(directory);
    },
  };
}
