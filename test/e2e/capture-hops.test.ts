/** A capture with jump hosts: an interface for each session on the way, and each is an SSH connection to Wireshark. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { capinfos, expertWarnings, payloadOf, tcpdump, tshark, wireshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { randomBytes, sha256 } from "../kit/random.ts";
import { echoServer } from "../kit/servers.ts";
import { tempDirectory } from "../kit/temp.ts";
import { type JumpWay, jumpWay } from "./jump-way.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "nc", "tshark", "capinfos", "tcpdump", "editcap"), timeout: 60_000 };
const theWay = shared(() => jumpWay(3));
const names = ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target", "leg2-ssh-hop2", "leg2-ssh-hop3"];
const content = randomBytes(300_000);
const directory = tempDirectory("captures");

for (const format of ["pcapng", "pcap"]) {
  test(`A .${format} with two jump hosts is as good as any.`, limits, async () => {
    const { file } = await captured(await theWay(), `hops.${format}`);
    const shown = await tshark(file);
    assert.deepEqual([shown.code, shown.stderr], [0, ""]);
    const dumped = await tcpdump(file, ["-vv"]);
    assert.equal(dumped.code, 0);
    assert.doesNotMatch(dumped.stdout, /incorrect/);
    assert.deepEqual((await tshark(file, ["-Y", "tcp.analysis.flags"])).lines, []);
    assert.deepEqual(await expertWarnings(file), []);
    const { lines } = await tshark(file, ["-T", "fields", "-e", "tcp.stream", "-e", "tcp.completeness"]);
    const last = new Map(lines.map((line) => line.split("\t") as [string, string]));
    assert.deepEqual([...last.values()], Array(5).fill("31"));
    const marks = await tshark(file, ["-T", "fields", "-e", "eth.src"]);
    assert.deepEqual(
      [...new Set(marks.lines)].sort(),
      [1, 2, 3, 4, 5].flatMap((mark) => [`02:70:68:0${mark}:00:01`, `02:70:68:0${mark}:00:02`]),
    );
  });
}

test("Each session has an interface that names its hosts, all of them declared up front.", limits, async () => {
  const way = await theWay();
  const { file } = await captured(way, "names.pcapng");
  const told = (await capinfos(file, ["-M"])).stdout;
  assert.match(told, /^Number of interfaces in file: 5$/m);
  assert.match(told, /^Strict time order: +True$/m);
  assert.deepEqual(
    [...told.matchAll(/^ +Name = (.*)$/gm)].map(([, name]) => name),
    names,
  );
  assert.match(told, /Description = porthop to the first of 3 sshds, 127\.0\.0\.1: true ciphertext/);
  assert.match(told, /Description = porthop to sshd on 127\.0\.0\.1, inside the session with 127\.0\.0\.1/);
  // editcap 4.0 cannot write a file whose interfaces do not all come first.
  assert.equal((await wireshark("editcap", [file, `${file}.edited.pcapng`])).code, 0);
});

test(
  "Each session is SSH, from its greeting to its encrypted packets, and shows nothing of the flow.",
  limits,
  async () => {
    const way = await theWay();
    const { file } = await captured(way, "ssh.pcapng");
    const decode = way.sshds.flatMap(({ port }) => ["-d", `tcp.port==${port},ssh`]);
    const sessions = ["leg2-ssh", "leg2-ssh-hop2", "leg2-ssh-hop3"];
    for (const [index, name] of sessions.entries()) {
      const on = `frame.interface_name == "${name}"`;
      const port = way.sshds[index]?.port;
      const greetings = await tshark(file, [
        ...decode,
        "-Y",
        `${on} && ssh.protocol`,
        "-T",
        "fields",
        "-e",
        "ssh.protocol",
      ]);
      assert.equal(greetings.lines.length, 2, name);
      for (const line of greetings.lines) assert.match(line, /^SSH-2\.0-/, name);
      const newKeys = await tshark(file, [...decode, "-Y", `${on} && ssh.message_code == 21`]);
      assert.ok(newKeys.lines.length >= 1, name);
      const elsewhere = await tshark(file, ["-Y", `${on} && !(tcp.port == ${port})`]);
      assert.deepEqual(elsewhere.lines, [], name);
    }
    for (const direction of ["up", "down"] as const) {
      const sums = await Promise.all([0, 2].map((leg) => payloadOf(file, names[leg], direction)));
      assert.deepEqual(sums, Array(2).fill({ bytes: content.length, sha256: sha256(content) }), direction);
    }
  },
);

test(
  "The comments say which connections were seen, and which are as a jump host was asked for them.",
  limits,
  async () => {
    const way = await theWay();
    const { file } = await captured(way, "comments.pcapng");
    const syns = [
      "-Y",
      "tcp.flags == 0x002 && frame.interface_name contains ssh-hop",
      "-T",
      "fields",
      "-e",
      "frame.comment",
    ];
    assert.deepEqual((await tshark(file, syns)).lines, [
      "porthop session=S2 leg=2 hop=2 host=127.0.0.1 source=invented",
      "porthop session=S3 leg=2 hop=3 host=127.0.0.1 source=invented",
    ]);
    const first = [
      "-Y",
      `tcp.flags == 0x002 && frame.interface_name == "leg2-ssh"`,
      "-T",
      "fields",
      "-e",
      "frame.comment",
    ];
    assert.deepEqual((await tshark(file, first)).lines, ["porthop session=S1 leg=2 hop=1 host=127.0.0.1"]);
  },
);

test("--capture-legs 1,3 leaves out all sessions, and 2 has all of them.", limits, async () => {
  const way = await theWay();
  for (const [legs, expected] of [
    ["1,3", [names[0], names[2]]],
    ["2", [names[1], names[3], names[4]]],
  ] as const) {
    const { file } = await captured(way, `legs-${legs.length}.pcapng`, ["--capture-legs", legs]);
    const { lines } = await tshark(file, ["-T", "fields", "-e", "frame.interface_name"]);
    assert.deepEqual([...new Set(lines)].sort(), [...expected].sort());
  }
});

test("Through a ProxyCommand leg 2 is shown as it was asked for.", limits, async () => {
  const way = await theWay();
  const direct = { host: way.host, sshArgs: way.plainArgs };
  const args = ["-o", "ProxyCommand=nc %h %p"];
  const { file } = await captured(direct, "command.pcapng", args);
  assert.deepEqual((await tshark(file, ["-Y", "tcp.analysis.flags"])).lines, []);
  const syn = [
    "-Y",
    "tcp.flags == 0x002 && frame.interface_id == 1",
    "-T",
    "fields",
    "-e",
    "tcp.dstport",
    "-e",
    "frame.comment",
  ];
  assert.deepEqual((await tshark(file, syn)).lines, [
    `${way.destination.port}\tporthop session=S1 leg=2 host=127.0.0.1 source=invented to=asked`,
  ]);
});

/** One flow that says and hears `content`. */
async function captured(way: Pick<JumpWay, "host" | "sshArgs">, capture: string, args: readonly string[] = []) {
  await using target = await echoServer();
  const tunnel = await openTunnel(way, [target], { capture: join(directory, capture), args });
  await using client = await tunnel.connect();
  const sent = client.send([content]).then(() => client.end());
  const received = await client.received;
  await sent;
  assert.equal(received.bytes, content.length);
  assert.equal((await tunnel.stop()).code, 0);
  return { file: tunnel.capture };
}
