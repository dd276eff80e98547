import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { CaptureScene, listener, turn } from "../../kit/capture-scene.ts";
import { outline, type ReadCapture, type ReadPacket, readCapture } from "../../kit/packet-reader.ts";
import { randomBytes } from "../../kit/random.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const folder = tempDirectory("capture");
after(() => removeTemp(folder));
const sshd = { host: "10.0.0.2", port: 22 };
const near = { host: "10.0.0.1", port: 33_450 };
const target = { host: "10.0.0.3", port: 5432 };
const lost = new PorthopError("ssh.lost", "the session with vishnu was lost", { leg: 2 });
const prohibited = new PorthopError("target.prohibited", "sshd prohibits 10.0.0.3:5432", { leg: 3 });

let files = 0;

function start(options: Readonly<Record<string, string>> = {}): Promise<CaptureScene> {
  return CaptureScene.start(join(folder, `${++files}.pcapng`), options);
}

async function finished(scene: CaptureScene): Promise<ReadCapture> {
  await scene.close();
  return readCapture(scene.file);
}

/** The packets of one leg, by the name of its interface. */
function onLeg(capture: ReadCapture, leg: 1 | 2 | 3): ReadPacket[] {
  const index = capture.interfaceNames.findIndex((name) => name.startsWith(`leg${leg}-`));
  return capture.packets.filter(({ interfaceIndex }) => interfaceIndex === index);
}

function payloadOf(packets: readonly ReadPacket[], outbound: boolean): Buffer {
  return Buffer.concat(packets.filter((packet) => packet.outbound === outbound).map(({ payload }) => payload));
}

/** `address:port` of both ends, from the SYN. */
function endsOf(packets: readonly ReadPacket[]): string {
  const syn = packets[0];
  const address = (hex = "") => (hex.length === 8 ? [...Buffer.from(hex, "hex")].join(".") : hex);
  return `${address(syn?.source)}:${syn?.sourcePort} ${address(syn?.target)}:${syn?.targetPort}`;
}

test("A flow is a connection on leg 1 and one on leg 3, with true addresses, all bytes and both half-closes.", async () => {
  const scene = await start();
  const flow = scene.enter({ target });
  await scene.dial(flow, { from: { host: "10.0.0.2", port: 33_513 }, to: target });
  scene.exchange(flow, Buffer.from("question"), Buffer.from("the answer"));
  const capture = await finished(scene);
  assert.deepEqual(capture.interfaceNames, ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target"]);
  const expected = [
    ["up S 0", "down SA 0", "up A 0"],
    ["up PA 8", "down A 0"],
    ["up FA 0", "down A 0"],
    ["down PA 10", "up A 0"],
    ["down FA 0", "up A 0"],
  ].flat();
  for (const leg of [1, 3] as const) {
    const packets = onLeg(capture, leg);
    assert.deepEqual(outline(packets), expected);
    assert.deepEqual(
      [payloadOf(packets, true).toString(), payloadOf(packets, false).toString()],
      ["question", "the answer"],
    );
  }
  assert.equal(endsOf(onLeg(capture, 1)), "127.0.0.1:40000 127.0.0.1:3456");
  assert.equal(endsOf(onLeg(capture, 3)), "10.0.0.2:33513 10.0.0.3:5432");
  assert.equal(onLeg(capture, 1)[0]?.comment, "porthop flow=L1#1 leg=1 forward=L1 target=10.0.0.3:5432");
  assert.equal(onLeg(capture, 3)[0]?.comment, "porthop flow=L1#1 leg=3 forward=L1 target=10.0.0.3:5432");
  assert.deepEqual(
    capture.statistics.map(({ received, dropped }) => [received, dropped]),
    [
      [11, 0],
      [0, 0],
      [11, 0],
    ],
  );
  assert.deepEqual(scene.host.lines, [`info 22 packets in ${scene.file}`]);
  assert.deepEqual([...scene.host.locates], [1, 3]);
});

test("Leg 2 is the session: its ciphertext, cut at the borders of SSH's packets, with its host in the comment.", async () => {
  const scene = await start();
  const wire = scene.host.startSession("vishnu.example", near, sshd);
  wire.opened();
  wire.bytes("up", Buffer.from("SSH-2.0-port"));
  wire.bytes("up", Buffer.from("hop\r\n\0\0\0\x0c\x06\x02ignored---"));
  wire.bytes("down", Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"));
  wire.bytes("up", Buffer.from("\0\0\0\x0c\x06cut"));
  wire.ended("down");
  wire.ended("up");
  const capture = await finished(scene);
  assert.deepEqual(outline(onLeg(capture, 2)), [
    ...["up S 0", "down SA 0", "up A 0"],
    ...["up PA 17", "down A 0", "up PA 16", "down A 0"],
    ...["down PA 21", "up A 0"],
    ...["down FA 0", "up A 0"],
    ...["up PA 8", "down A 0", "up FA 0", "down A 0"],
  ]);
  assert.equal(endsOf(onLeg(capture, 2)), "10.0.0.1:33450 10.0.0.2:22");
  assert.equal(onLeg(capture, 2)[0]?.comment, "porthop session=S1 leg=2 host=vishnu.example");
  assert.deepEqual(capture.names, ["10.0.0.2 vishnu.example"]);
});

test("What was on its way on leg 2 when it broke is in the file, before the RST.", async () => {
  const scene = await start();
  const wire = scene.host.startSession("10.0.0.2", near, sshd);
  wire.opened();
  wire.bytes("up", Buffer.from("SSH-2.0-half a line"));
  wire.aborted("down", new Error("connection reset by peer"));
  const capture = await finished(scene);
  assert.deepEqual(outline(onLeg(capture, 2)).slice(3), ["up PA 19", "down A 0", "down RA 0"]);
  assert.equal(capture.packets.at(-1)?.comment, "porthop leg=2: connection reset by peer");
  assert.deepEqual(capture.names, [], "an address needs no name");
});

test("A lost session is a RST on leg 2 and on leg 1; of leg 3 nothing more is said.", async () => {
  const scene = await start();
  const wire = scene.host.startSession("vishnu", near, sshd);
  wire.opened();
  const flow = scene.enter({ target });
  await scene.dial(flow, { from: { host: "10.0.0.2", port: 33_513 } });
  scene.send(flow, "up", Buffer.from("question"));
  wire.aborted("down", lost);
  scene.break(flow, lost);
  const capture = await finished(scene);
  assert.equal(outline(onLeg(capture, 2)).at(-1), "down RA 0");
  assert.equal(outline(onLeg(capture, 1)).at(-1), "down RA 0");
  assert.equal(onLeg(capture, 1).at(-1)?.comment, "porthop flow=L1#1 leg=1: the session with vishnu was lost");
  assert.deepEqual(outline(onLeg(capture, 3)).slice(3), ["up PA 8", "down A 0"]);
});

test("A session lost while leg 3 is still being looked up leaves what is known of it, and no RST.", async () => {
  const scene = await start();
  const flow = scene.enter({ target });
  flow.legs[2].located = new Promise(() => {});
  flow.legs[2].to = target;
  flow.legs[2].opened();
  scene.break(flow, lost);
  const other = scene.enter({ id: "L1#2", target });
  scene.end(other, "up");
  const capture = await finished(scene);
  assert.deepEqual(outline(onLeg(capture, 3)).slice(0, 3), ["up S 0", "down SA 0", "up A 0"]);
  assert.equal(onLeg(capture, 3).filter(({ flags }) => flags.includes("R")).length, 0);
});

for (const [who, leg, by1, by3] of [
  ["the origin", 1, "up", "up"],
  ["the target", 3, "down", "down"],
] as const) {
  test(`What ${who} reset is a RST of its own on both plain legs, in the direction in which it went.`, async () => {
    const scene = await start();
    const flow = scene.enter({ target });
    await scene.dial(flow);
    scene.break(flow, new PorthopError("target.refused", "connection reset", { leg }));
    const capture = await finished(scene);
    assert.equal(outline(onLeg(capture, 1)).at(-1), `${by1} RA 0`);
    assert.equal(outline(onLeg(capture, 3)).at(-1), `${by3} RA 0`);
    assert.equal(onLeg(capture, 3).at(-1)?.comment, "porthop flow=L1#1 leg=3: connection reset");
  });
}

test("A target that refused is a SYN and its RST on leg 3, and a RST on leg 1.", async () => {
  const scene = await start();
  const flow = scene.enter({ target });
  const refused = new PorthopError("target.refused", "10.0.0.3:5432 refused the connection", { leg: 3 });
  flow.legs[2].refused(refused);
  flow.legs[0].aborted("down", refused);
  flow.break(refused);
  const capture = await finished(scene);
  assert.deepEqual(outline(onLeg(capture, 3)), ["up S 0", "down RA 0"]);
  assert.match(onLeg(capture, 3)[0]?.comment ?? "", /leg=3 forward=L1 target=10\.0\.0\.3:5432 source=invented$/);
  assert.equal(onLeg(capture, 3)[1]?.comment, "10.0.0.3:5432 refused the connection");
  assert.deepEqual(outline(onLeg(capture, 1)), ["up S 0", "down SA 0", "up A 0", "down RA 0"]);
});

test("What the server prohibits was never dialed: no frames on leg 3, the reason on leg 1's RST.", async () => {
  const scene = await start();
  const flow = scene.enter({ target });
  flow.legs[0].aborted("down", prohibited);
  flow.break(prohibited);
  const capture = await finished(scene);
  assert.deepEqual([onLeg(capture, 3).length, onLeg(capture, 1).length], [0, 4]);
  assert.equal(onLeg(capture, 1)[3]?.comment, "porthop flow=L1#1 leg=1: sshd prohibits 10.0.0.3:5432");
});

test("A name that only the server resolves gets an address of 198.18.0.0/15 and a name record, once.", async () => {
  const scene = await start();
  for (const [number, host] of ["db.internal", "web.internal", "db.internal"].entries()) {
    const flow = scene.enter({ id: `D1#${number + 1}`, target: { host, port: 80 } });
    await scene.dial(flow);
  }
  const capture = await finished(scene);
  assert.deepEqual(capture.names, ["198.18.1.1 db.internal", "198.18.1.2 web.internal"]);
  const syns = onLeg(capture, 3).filter(({ flags }) => flags === "S");
  assert.deepEqual(
    syns.map((syn) => endsOf([syn]).split(" ")[1]),
    ["198.18.1.1:80", "198.18.1.2:80", "198.18.1.1:80"],
  );
  assert.match(syns[0]?.comment ?? "", /target=db\.internal:80 source=invented to=made-up for db\.internal:80$/);
});

test("A name that was refused has its made-up address and its remark as well.", async () => {
  const scene = await start();
  const flow = scene.enter({ target: { host: "db.internal", port: 80 } });
  flow.legs[2].refused(new PorthopError("target.refused", "no", { leg: 3 }));
  const syn = onLeg(await finished(scene), 3)[0];
  assert.match(syn?.comment ?? "", /source=invented to=made-up for db\.internal:80$/);
});

test("A redirect shows: leg 3 goes where the flow was sent, and the comments name that target.", async () => {
  const scene = await start();
  const flow = scene.enter({ target });
  flow.target = { host: "10.0.0.9", port: 81 };
  await scene.dial(flow);
  const capture = await finished(scene);
  assert.match(endsOf(onLeg(capture, 3)), / 10\.0\.0\.9:81$/);
  assert.match(onLeg(capture, 3)[0]?.comment ?? "", /target=10\.0\.0\.9:81/);
});

test("Unix sockets have made-up addresses with the path as name, and no two connections are the same.", async () => {
  const scene = await start();
  const path = "/run/db.sock";
  for (const id of ["L1#1", "L1#2"]) {
    const flow = scene.enter({ id, origin: { path }, listen: { path }, target: { path } });
    await scene.dial(flow);
    scene.exchange(flow, Buffer.from("question"), Buffer.from("answer"));
  }
  const capture = await finished(scene);
  assert.deepEqual(capture.names, ["198.18.1.1 /run/db.sock"]);
  const syns = capture.packets.filter(({ flags }) => flags === "S");
  assert.equal(new Set(syns.map((syn) => endsOf([syn]))).size, 4);
  for (const syn of syns) assert.match(endsOf([syn]), /:[1-9]\d* 198\.18\.1\.1:1$/);
  assert.match(syns[0]?.comment ?? "", /leg=1 .* from=made-up for \/run\/db\.sock to=made-up for \/run\/db\.sock$/);
  assert.match(syns[1]?.comment ?? "", /leg=3 .* source=invented to=made-up for \/run\/db\.sock$/);
});

test("IPv6 stays IPv6, and an IPv4 address inside IPv6 is shown as what it is.", async () => {
  const scene = await start();
  const six = scene.enter({
    origin: { host: "::1", port: 5000 },
    listen: { host: "::1", port: 3456 },
    target: { host: "2001:db8::1", port: 80 },
  });
  await scene.dial(six);
  const mapped = scene.enter({
    id: "L1#2",
    origin: { host: "::ffff:127.0.0.1", port: 5001 },
    listen: { host: "127.0.0.1", port: 3456 },
    target: { host: "::ffff:10.0.0.3", port: 80 },
  });
  await scene.dial(mapped, { from: { host: "10.0.0.2", port: 5002 } });
  const capture = await finished(scene);
  const [six1, mapped1] = onLeg(capture, 1).filter(({ flags }) => flags === "S");
  const [six3, mapped3] = onLeg(capture, 3).filter(({ flags }) => flags === "S");
  assert.deepEqual([six1?.family, six3?.family, mapped1?.family, mapped3?.family], [6, 6, 4, 4]);
  assert.equal(endsOf(mapped1 ? [mapped1] : []), "127.0.0.1:5001 127.0.0.1:3456");
  assert.equal(endsOf(mapped3 ? [mapped3] : []), "10.0.0.2:5002 10.0.0.3:80");
  assert.doesNotMatch(mapped1?.comment ?? "", /made-up/);
  assert.deepEqual(
    scene.host.lines.filter((line) => !line.startsWith("info")),
    [],
  );
});

test("Ends of different families are made one, and the file says for what the made-up end stands.", async () => {
  const scene = await start();
  scene.host.startSession("vishnu", { host: "2001:db8::9", port: 1 }, { host: "2001:db8::2", port: 22 }).opened();
  const flow = scene.enter({ target });
  await scene.dial(flow);
  const known = scene.enter({ id: "L1#2", target });
  await scene.dial(known, { from: { host: "2001:db8::5", port: 77 } });
  const syns = onLeg(await finished(scene), 3).filter(({ flags }) => flags === "S");
  assert.deepEqual([syns[0]?.family, syns[1]?.family, syns[1]?.sourcePort], [4, 4, 77]);
  assert.match(syns[1]?.comment ?? "", /from=made-up for \[2001:db8::5\]:77$/);
});

test("Where nobody told the source, it is the server that dialed, from ports that are never the same twice.", async () => {
  const scene = await start();
  scene.host.startSession("vishnu", near, sshd).opened();
  for (let number = 1; number <= 200; number++) await scene.dial(scene.enter({ id: `L1#${number}`, target }));
  await scene.dial(scene.enter({ id: "L1#201", target: { host: "127.0.0.1", port: 80 } }));
  const syns = onLeg(await finished(scene), 3).filter(({ flags }) => flags === "S");
  assert.equal(new Set(syns.map(({ sourcePort }) => sourcePort)).size, 201);
  assert.ok(syns.slice(0, 200).every((syn) => endsOf([syn]).startsWith("10.0.0.2:")));
  assert.match(endsOf(syns.slice(200)), /^127\.0\.0\.1:\d+ 127\.0\.0\.1:80$/);
});

test("While leg 3 of one flow is looked up, the frames of all others wait; then all are there, in strict order.", async () => {
  const scene = await start();
  const slow = scene.enter({ id: "L1#1", target });
  const looked = Promise.withResolvers<void>();
  slow.legs[2].located = looked.promise;
  slow.legs[2].to = target;
  slow.legs[2].opened();
  const fast = scene.enter({ id: "L1#2", target });
  await scene.dial(fast, { from: { host: "10.0.0.2", port: 2000 } });
  scene.exchange(fast, Buffer.from("fast"), Buffer.from("answer"));
  scene.send(slow, "up", Buffer.from("slow"));
  await turn();
  const before = statSync(scene.file).size;
  slow.legs[2].from = { host: "10.0.0.2", port: 1999 };
  looked.resolve();
  await turn();
  scene.exchange(slow, Buffer.from("more"), Buffer.from("answer"));
  const capture = await finished(scene);
  assert.ok(before < 1500, `${before} bytes were written before the addresses were known`);
  const order = capture.packets.filter(({ flags }) => flags === "S").map((syn) => endsOf([syn]).split(" ")[0]);
  assert.deepEqual(order, ["127.0.0.1:40000", "10.0.0.2:1999", "127.0.0.1:40000", "10.0.0.2:2000"]);
  assert.equal(payloadOf(onLeg(capture, 3), true).toString(), "fastslowmore");
});

test("Two addresses of one flow that never come do not keep its file from ending.", async () => {
  const scene = await start();
  const flow = scene.enter({ target });
  flow.legs[2].located = new Promise(() => {});
  flow.legs[2].opened();
  scene.exchange(flow, Buffer.from("question"), Buffer.from("answer"));
  const capture = await finished(scene);
  assert.equal(onLeg(capture, 3).length, 11);
  assert.match(onLeg(capture, 3)[0]?.comment ?? "", /source=invented$/);
});

test("With legs=1+3 the file has two interfaces, and the session is not in it.", async () => {
  for (const legs of ["1+3", "3+1", "1, 3"]) {
    const scene = await start({ legs });
    const wire = scene.host.startSession("vishnu", near, sshd);
    wire.opened();
    wire.bytes("up", Buffer.from("SSH-2.0-porthop\r\n"));
    const flow = scene.enter({ target });
    await scene.dial(flow);
    scene.exchange(flow, Buffer.from("question"), Buffer.from("answer"));
    const capture = await finished(scene);
    assert.deepEqual(capture.interfaceNames, ["leg1-app-listener", "leg3-sshd-target"]);
    assert.deepEqual([onLeg(capture, 1).length, onLeg(capture, 3).length, capture.packets.length], [11, 11, 22]);
    assert.match(endsOf(onLeg(capture, 3)), /^10\.0\.0\.2:/, "the server's address is known all the same");
  }
});

test("With legs=2 alone the flows are not in the file.", async () => {
  const scene = await start({ legs: "2" });
  scene.host.startSession("vishnu", near, sshd).opened();
  await scene.dial(scene.enter({ target }));
  assert.equal((await finished(scene)).packets.length, 3);
});

test("Each session of a reconnecting tunnel is a connection of its own.", async () => {
  const scene = await start();
  for (const port of [1000, 1001]) {
    const wire = scene.host.startSession("vishnu", { host: "10.0.0.1", port }, sshd);
    wire.opened();
    wire.aborted("down", lost);
  }
  const syns = onLeg(await finished(scene), 2).filter(({ flags }) => flags === "S");
  assert.deepEqual(
    syns.map(({ sourcePort, comment }) => [sourcePort, comment]),
    [
      [1000, "porthop session=S1 leg=2 host=vishnu"],
      [1001, "porthop session=S2 leg=2 host=vishnu"],
    ],
  );
});

test("With a snaplen packets are cut and their true length is told; 0 and more than any packet keep all.", async () => {
  for (const [snaplen, longest] of [
    ["100", 100],
    ["0", 54 + 5000],
    ["999999999", 54 + 5000],
  ] as const) {
    const scene = await start({ snaplen });
    const flow = scene.enter({ target });
    await scene.dial(flow);
    scene.send(flow, "up", new Uint8Array(5000));
    await scene.close();
    const file = readFileSync(scene.file);
    const lengths: [captured: number, original: number][] = [];
    for (let at = 0; at < file.length; at += file.readUInt32LE(at + 4)) {
      if (file.readUInt32LE(at) === 6) lengths.push([file.readUInt32LE(at + 20), file.readUInt32LE(at + 24)]);
    }
    assert.equal(Math.max(...lengths.map(([captured]) => captured)), longest);
    assert.equal(Math.max(...lengths.map(([, original]) => original)), 54 + 5000);
  }
});

test("Options that make no sense are refused before any file is made.", async () => {
  const file = join(folder, "never.pcapng");
  for (const [options, message] of [
    [{ legs: "1+4" }, "plugin capture: legs=1+4 is not a choice of legs"],
    [{ legs: "" }, "plugin capture: legs= is not a choice of legs"],
    [{ legs: "leg\x1b1" }, "plugin capture: legs=leg\\x1b1 is not a choice of legs"],
    [{ snaplen: "-1" }, "plugin capture: snaplen=-1 is less than nothing"],
  ] as const) {
    await assert.rejects(CaptureScene.start(file, options), { code: "plugin.invalid", message });
  }
  assert.equal(existsSync(file), false);
});

test("A file that it must not replace ends the setup and is kept.", async () => {
  const file = join(folder, "thesis.txt");
  writeFileSync(file, "my thesis");
  await assert.rejects(CaptureScene.start(file), { code: "file.cannot-write" });
  assert.equal(readFileSync(file, "utf8"), "my thesis");
});

test("An older capture is replaced, and the new one has mode 0600.", async () => {
  const file = join(folder, "again.pcapng");
  for (const round of [1, 2]) {
    const scene = await CaptureScene.start(file);
    await scene.dial(scene.enter({ id: `L1#${round}`, target }));
    const capture = await finished(scene);
    assert.equal(capture.packets.length, 6);
    assert.match(capture.packets[0]?.comment ?? "", new RegExp(`flow=L1#${round} `));
  }
  assert.equal((statSync(file).mode & 0o7777).toString(8), "600");
});

test("Hostile names from the network cannot break a comment, a name record or the log.", async () => {
  const scene = await start();
  const host = `a\x1b[2J\n\u202e${"x".repeat(100_000)}`;
  const flow = scene.enter({ target: { host, port: 80 } });
  await scene.dial(flow);
  scene.break(flow, new PorthopError("ssh.protocol", `sshd said \x1b[2J\n${"y".repeat(100_000)}`));
  const capture = await finished(scene);
  const texts = [...capture.names, ...capture.packets.map(({ comment = "" }) => comment), ...scene.host.lines];
  for (const text of texts) {
    assert.ok(text.length <= 1000, `${text.length} characters`);
    assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]/u);
  }
  assert.match(capture.names.join(), /^198\.18\.1\.1 a\\x1b\[2J\\n\\u202exxx/);
});

test("Large chunks pass whole: what both legs carried is what was sent.", async () => {
  const scene = await start();
  const flow = scene.enter({ target });
  await scene.dial(flow);
  const [request, answer] = [randomBytes(300_000, 1), randomBytes(500_000, 2)];
  scene.exchange(flow, request, answer);
  const capture = await finished(scene);
  for (const leg of [1, 3] as const) {
    assert.equal(Buffer.compare(payloadOf(onLeg(capture, leg), true), request), 0);
    assert.equal(Buffer.compare(payloadOf(onLeg(capture, leg), false), answer), 0);
  }
});

test("Where it stands in the chain makes no difference to the bytes: its stages pass chunks as they are.", async () => {
  const scene = await start();
  const flow = scene.enter({ target });
  const chunks = [Buffer.from("a"), Buffer.from("b")];
  async function* source() {
    yield* chunks;
  }
  const passed: Uint8Array[] = [];
  for await (const chunk of flow.up.through(source())) passed.push(chunk);
  for await (const chunk of flow.down.through(source())) passed.push(chunk);
  assert.ok(passed.every((chunk, index) => chunk === chunks[index % 2]));
  await scene.close();
});

test("The listener's address is on leg 1 as the socket told it.", async () => {
  const scene = await start();
  scene.enter({ origin: { host: "192.168.1.5", port: 50_000 }, listen: { host: "192.168.1.1", port: 3456 } });
  scene.enter({ id: "L1#2" });
  const syns = onLeg(await finished(scene), 1).filter(({ flags }) => flags === "S");
  assert.deepEqual(
    syns.map((syn) => endsOf([syn])),
    ["192.168.1.5:50000 192.168.1.1:3456", `127.0.0.1:40000 ${listener.host}:${listener.port}`],
  );
});
