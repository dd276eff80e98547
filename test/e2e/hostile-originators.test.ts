/** What a server or a path may be called, however absurd, is shown harmlessly, and the forwards go on. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { hostileSsh, text, uint32 } from "../kit/hostile-ssh.ts";
import { need } from "../kit/packages.ts";
import { echoServer } from "../kit/servers.ts";
import { assertClean, assertFails } from "./failure.ts";
import { openRemoteSpecs } from "./remote-tunnel.ts";

builtExecutable();
const limits = { skip: need("tshark"), timeout: 60_000 };
const channelOpen = 90;
const strange = "\u001b[2J\u202e\nfake line";

test("Connections from absurd originators are carried or refused, and called unknown.", limits, async () => {
  await using target = await echoServer();
  const numbers = [uint32(2_000_000), uint32(32_768)];
  const originators: readonly (readonly [Uint8Array, number])[] = [
    [text(""), 0],
    [text(strange), 1],
    [text("999.1.1.1"), 65_536],
    [text("x".repeat(30_000)), 4_294_967_295],
    [Buffer.concat([uint32(3), Buffer.from([0xff, 0xfe, 0])]), 7],
    [text("::ffff:10.1.2.3"), 22],
    [text("fe80::1%eth0;reboot"), 22],
    [text("0x7f.1"), 22],
    [text("__proto__"), 22],
  ];
  await using server = await hostileSsh({
    listens(peer) {
      for (const [index, [host, port]] of originators.entries()) {
        const listener = [text("localhost"), uint32(8080)];
        peer.send(channelOpen, text("forwarded-tcpip"), uint32(index), ...numbers, ...listener, host, uint32(port));
      }
    },
  });
  const options = { args: ["--capture", "out.pcapng", "--use", "log", "--grace", "0"] };
  await using tunnel = await openRemoteSpecs(server, [`8080:127.0.0.1:${target.port}`], options);
  const { program } = tunnel;
  const opened = () => program.events.filter(({ event }) => event === "flow.open");
  await program.event("flow.open", () => opened().length === originators.length);
  assert.deepEqual(
    opened().map(({ origin }) => origin),
    [
      ...["unknown:0", "unknown:1", "unknown:0", "unknown:0", "unknown:7"],
      ...["10.1.2.3:22", "unknown:22", "unknown:22", "unknown:22"],
    ],
  );
  const exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assertClean(exit);
  const read = await tshark(join(program.home, "out.pcapng"), ["--disable-protocol", "ssh", "-q", "-z", "expert,warn"]);
  assert.deepEqual([read.code, read.stderr], [0, ""]);
});

test("A flood of connections beyond what is held is refused, and those before it are served.", limits, async () => {
  await using target = await echoServer();
  const numbers = [uint32(2_000_000), uint32(32_768)];
  await using server = await hostileSsh({
    listens(peer) {
      const rest = [text("localhost"), uint32(8080), text("127.0.0.1"), uint32(1)];
      for (let index = 0; index < 6000; index++) {
        peer.send(channelOpen, text("forwarded-tcpip"), uint32(index), ...numbers, ...rest);
      }
    },
  });
  const args = ["--grace", "0", "--log", "error"];
  await using tunnel = await openRemoteSpecs(server, [`8080:127.0.0.1:${target.port}`], { args });
  const opened = () => tunnel.program.events.filter(({ event }) => event === "flow.open").length;
  await tunnel.program.event("flow.open", () => opened() >= 500);
  const exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assertClean(exit);
});

test(
  "A unix socket's path with control characters is refused before anything is connected, and shown escaped.",
  limits,
  async () => {
    for (const words of [
      ["-L", `/tmp/${strange}:localhost:9`],
      ["-L", `8080:/tmp/${strange}`],
      ["-R", `/tmp/${strange}:localhost:9`],
      ["-R", `8080:/tmp/${strange}`],
    ]) {
      await assertFails([...words, "no-such-host.invalid"], {
        exit: 2,
        code: "usage",
        says: ["/tmp/\\x1b[2J\\u202e\\nfake line", "contains a control character"],
      });
    }
  },
);
