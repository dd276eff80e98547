/** A capture over many sessions: one file with the same few interfaces, and a process that does not grow. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expertWarnings, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { echoServer } from "../kit/servers.ts";
import { echoes } from "../kit/tcp-end.ts";
import { startLine } from "./faulty-line.ts";
import { notLinux, residentBytes, tidyMemory } from "./resident.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: notLinux || need("sshd", "ssh-keygen", "tshark"), timeout: 120_000 };
/** PORTHOP_TEST_LOSSES=200 is the long form; a multiple of four. */
const losses = Number(process.env["PORTHOP_TEST_LOSSES"] ?? 40);
test(
  `A capture of ${losses} sessions, one after the other, is one that tshark reads without a word.`,
  limits,
  async () => {
    await using line = await startLine();
    await using target = await echoServer();
    const options = { capture: "out.pcapng", args: ["--log", "error"], env: tidyMemory };
    await using tunnel = await openTunnel(line.login, [target], options);
    const { program } = tunnel;
    const memory: number[] = [];
    for (let loss = 1; loss <= losses; loss++) {
      const closed = program.nextEvent("flow.close");
      assert.equal(await echoes(tunnel.port), true);
      await closed;
      const lost = program.nextEvent("reconnect");
      const back = program.nextEvent("session", ({ state }) => state === "ready");
      line.relay.cut();
      await lost;
      // The waits that grow with quick losses are not what this is about.
      program.signal("SIGUSR1");
      await back;
      memory.push(residentBytes(program.pid));
    }
    assert.equal(await echoes(tunnel.port), true);
    const [early = 0, ...later] = [1, 2, 3, 4].map((quarter) => memory[(quarter * losses) / 4 - 1] ?? 0);
    const late = later.at(-1) ?? 0;
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
    console.log(`resident after each quarter of ${losses} losses: ${[early, ...later].map(megabytes).join(", ")}`);
    assert.ok(late - early < 60_000_000, `${megabytes(early)} became ${megabytes(late)}`);
    assert.equal((await tunnel.stop()).code, 0);
    await shown(tunnel.capture);
  },
);

async function shown(file: string): Promise<void> {
  // That each session was reset is true.
  const warnings = (await expertWarnings(file)).map((line) => line.trim().replace(/ +/g, " "));
  assert.deepEqual(warnings, [`${losses} Sequence TCP Connection reset (RST)`]);
  const fields = ["-T", "fields", "-e", "frame.interface_name", "-e", "frame.interface_id"];
  const { lines, stderr } = await tshark(file, ["--disable-protocol", "ssh", "-Y", "tcp.flags == 0x002", ...fields]);
  assert.equal(stderr, "");
  const names = ["leg1-app-listener\t0", "leg2-ssh\t1", "leg3-sshd-target\t2"];
  assert.deepEqual([...new Set(lines)].sort(), names);
  for (const name of names) assert.equal(lines.filter((each) => each === name).length, losses + 1, name);
}
