/** Captures of every kind of forward, and of jump hosts, before the judges: the tools that read captures. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import capture from "../../../plugins/capture.ts";
import { PorthopError } from "../../../src/errors.ts";
import type { Address, ForwardKind } from "../../../src/plugin.ts";
import { expertWarnings, payloadOf, tcpdump, tshark, wireshark } from "../../kit/capture.ts";
import { CaptureScene } from "../../kit/capture-scene.ts";
import { need } from "../../kit/packages.ts";
import { forwardOfKind, setUp } from "../../kit/plugin-host.ts";
import { randomBytes } from "../../kit/random.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const limits = { skip: need("tshark", "tcpdump", "editcap"), timeout: 60_000 };
const folder = tempDirectory("capture-kinds");
after(() => removeTemp(folder));

const [request, answer] = [randomBytes(3001, 1), randomBytes(100_000, 2)];
/** No port is one whose protocol Wireshark would look for in random bytes. */
const loopback = (port: number) => ({ host: "127.0.0.1", port });

interface Case {
  readonly kind: ForwardKind;
  readonly sessions?: readonly string[];
  readonly origin: Address;
  readonly listen: Address;
  readonly target: Address;
  /** Of leg 3. */
  readonly from?: Address;
}

const cases: Readonly<Record<string, Case>> = {
  "a remote forward": {
    ...{ kind: "remote", origin: { host: "10.0.0.7", port: 20100 }, listen: { host: "10.0.0.2", port: 7781 } },
    ...{ target: loopback(7777), from: loopback(20101) },
  },
  "a remote forward whose origin is unknown": {
    ...{ kind: "remote", origin: { host: "unknown", port: 0 }, listen: { host: "0.0.0.0", port: 7781 } },
    ...{ target: { path: "/run/here.sock" }, from: { path: "/run/here.sock" } },
  },
  "a reverse dynamic forward": {
    ...{ kind: "reverse-dynamic", origin: { host: "fd00::7", port: 20100 }, listen: { host: "fd00::2", port: 7782 } },
    ...{ target: { host: "intranet.example", port: 7783 }, from: { host: "192.0.2.1", port: 20102 } },
  },
  "a dynamic forward": {
    ...{ kind: "dynamic", origin: loopback(20103), listen: loopback(7782) },
    ...{ target: { host: "intranet.example", port: 7783 } },
  },
  "the standard streams": {
    ...{ kind: "stdio", origin: { path: "stdio" }, listen: { path: "stdio" }, target: { host: "10.0.0.3", port: 22 } },
  },
  "a relay": {
    ...{ kind: "relay", sessions: [], origin: loopback(20104), listen: loopback(7785) },
    ...{ target: { host: "10.0.0.3", port: 7786 }, from: { host: "10.0.0.1", port: 20105 } },
  },
  "two jump hosts": {
    ...{ kind: "local", sessions: ["one", "two", "three"], origin: loopback(20106), listen: loopback(7781) },
    ...{ target: { host: "db", port: 7784 } },
  },
};

for (const [what, facts] of Object.entries(cases)) {
  test(`A capture of ${what} has nothing remarkable, and both plain legs are as true as ever.`, limits, async () => {
    const file = await recorded(what, facts);
    assert.deepEqual((await tshark(file, ["-Y", "tcp.analysis.flags"])).lines, []);
    assert.deepEqual(await expertWarnings(file), []);
    assert.doesNotMatch((await tcpdump(file, ["-vv"])).stdout, /incorrect/);
    assert.equal((await wireshark("editcap", [file, `${file}.edited.pcapng`])).code, 0);
    const { lines } = await tshark(file, ["-T", "fields", "-e", "tcp.stream", "-e", "tcp.completeness"]);
    const last = new Map(lines.map((line) => line.split("\t") as [string, string]));
    const sessions = facts.sessions ?? ["vishnu"];
    assert.deepEqual([...last.values()], Array(2 + sessions.length).fill("31"));
    for (const direction of ["up", "down"] as const) {
      const [leg1, leg3] = await Promise.all(
        ["leg1-app-listener", "leg3-sshd-target"].map((leg) => payloadOf(file, leg, direction)),
      );
      assert.deepEqual(leg1, leg3);
      assert.equal(leg1?.bytes, direction === "up" ? request.length : answer.length);
    }
    const interfaces = await tshark(file, ["-T", "fields", "-e", "frame.interface_name"]);
    assert.equal(new Set(interfaces.lines).size, 2 + sessions.length);
  });
}

test(
  "What goes over unix sockets is just bytes to Wireshark, whatever they are, and no malformed LBT-TCP.",
  limits,
  async () => {
    const path = "/run/here.sock";
    const scene = await CaptureScene.start(join(folder, "unix.pcapng"));
    const flow = scene.enter({ origin: { path }, listen: { path }, target: { path } });
    await scene.dial(flow, { from: { path } });
    // To whoever looks for LBT-TCP, the beginning of a message of 64 bytes.
    scene.exchange(flow, request, Buffer.concat([Buffer.from("02170040de670bc4", "hex"), answer]));
    await scene.close();
    const told = await tshark(scene.file, ["-Y", "tcp.len > 0", "-T", "fields", "-e", "frame.protocols"]);
    assert.deepEqual([...new Set(told.lines)], ["eth:ethertype:ip:tcp:data"]);
  },
);

test("After a lost session it is the server's side that nobody knows: leg 3, or leg 1 of a remote forward.", {
  ...limits,
}, async () => {
  const lost = new PorthopError("ssh.lost", "session lost", { leg: 2 });
  for (const [kind, known] of [
    ["local", "leg1-app-listener"],
    ["remote", "leg3-sshd-target"],
    ["reverse-dynamic", "leg3-sshd-target"],
  ] as const) {
    const scene = await CaptureScene.start(join(folder, `lost-${kind}.pcapng`));
    const flow = scene.enter({ forward: forwardOfKind(kind), target: loopback(7777) });
    await scene.dial(flow);
    scene.send(flow, "up", request);
    scene.break(flow, lost);
    await scene.close();
    const resets = await tshark(scene.file, [
      "-Y",
      "tcp.flags.reset == 1",
      "-T",
      "fields",
      "-e",
      "frame.interface_name",
    ]);
    assert.deepEqual(resets.lines, [known], kind);
  }
});

test("To capture leg 2 alone of a relay is refused: it has none.", async () => {
  await assert.rejects(
    setUp(capture, { file: join(folder, "none.pcapng"), legs: "2" }, []),
    (error) => error instanceof PorthopError && error.code === "plugin.invalid" && /no leg 2/.test(error.message),
  );
});

async function recorded(what: string, { kind, sessions, origin, listen, target, from }: Case): Promise<string> {
  const scene = await CaptureScene.start(join(folder, `${what.replaceAll(" ", "-")}.pcapng`), {}, sessions);
  const wires = scene.host.sessions.map((host, index) => {
    const known = index === 0;
    const wire = scene.host.startHop({
      ...{ host, port: 22, hop: index + 1, observed: known },
      from: known ? { host: "10.0.0.1", port: 33_450 } : undefined,
      to: known ? { host: "10.0.0.2", port: 22 } : { host, port: 22 },
    });
    wire.opened();
    for (const direction of ["up", "down"] as const) wire.bytes(direction, Buffer.from("SSH-2.0-played\r\n"));
    return wire;
  });
  const flow = scene.enter({ forward: forwardOfKind(kind), origin, listen, target });
  await scene.dial(flow, from === undefined ? {} : { from });
  scene.exchange(flow, request, answer);
  for (const wire of wires.reverse()) for (const direction of ["up", "down"] as const) wire.ended(direction);
  await scene.close();
  return scene.file;
}
