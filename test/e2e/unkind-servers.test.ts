/**
 * Servers that ask and ask. One that reads the answers is served for as long as it likes; one that does not is not listened
 * to any more, before its answers fill the memory, and given up when that lasts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { type Flood, floodingServer, type Question, questions } from "../kit/flooding-server.ts";
import { hostileSsh, type Peer } from "../kit/hostile-ssh.ts";
import type { Porthop } from "../kit/porthop.ts";
import { connectTo, echoes } from "../kit/tcp-end.ts";
import { assertClean, assertEvents } from "./failure.ts";
import { notLinux, residentBytes, tidyMemory } from "./resident.ts";
import { lostForGood, openTunnel, type Tunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: notLinux, timeout: 120_000 };
const target = { host: "target.example", port: 80 };
/** The answers that the kernel holds for a server that does not read are 200,000, and leave garbage: 30 to 50 MB. */
const bound = 80_000_000;

for (const question of questions) {
  // One kind in full, and enough of the others to see what each of them would leave behind.
  const count = question.name === "keepalive@openssh.com" ? 200_000 : 20_000;
  test(`A server that asks ${count} times, and reads, is served: ${question.name}.`, limits, async () => {
    await flooded({ question, count, reads: true }, async (server, tunnel, growth) => {
      await server.answered();
      assert.ok(growth() < bound, `memory grew by ${growth()}`);
      assert.equal(await echoes(tunnel.port), true, "the forward works as before");
      const exit = await tunnel.stop();
      assert.equal(exit.code, 0);
      assertClean(exit);
    });
  });
}

test(
  "A server that asks without end and never reads the answers is given up before it fills the memory.",
  limits,
  async () => {
    // One for each way in which such an answer comes about.
    const ways = ["keepalive@openssh.com", "a request on an open channel", "opening forwarded-tcpip"];
    const asked = questions.filter(({ name }) => ways.includes(name));
    assert.equal(asked.length, ways.length);
    await Promise.all(asked.map(assertGivenUp));
  },
);

async function assertGivenUp(question: Question): Promise<void> {
  await flooded({ question }, async (_server, { program }, growth) => {
    const most = await highestUntilExit(program, growth);
    assert.ok(most < bound, `${question.name}: memory grew by ${most}`);
    const exit = await program.exit;
    assert.equal(exit.code, 255, `${question.name}: ${exit.stderr}`);
    assert.equal(assertEvents(exit, 255).code, "ssh.lost", question.name);
    assertClean(exit);
  });
}

test("An upload that a server does not take keeps no download from being read.", limits, async () => {
  const pieces = 100;
  let uploads: Peer | undefined;
  await using server = await hostileSsh({
    open(peer, accept) {
      if (uploads === undefined) {
        // Into this window goes all that a client has; and from then on nothing of it is read.
        peer.confirmWith(0xffff_ffff, 32_768);
        uploads = peer;
        accept();
        return;
      }
      const { channel } = accept();
      peer.socket.pause();
      let sent = 0;
      const more = () => {
        channel.write(Buffer.alloc(15_000, 0x61));
        sent++;
        if (sent < pieces) setTimeout(more, 15);
      };
      more();
    },
  });
  await using tunnel = await openTunnel(server, [target], { args: ["--grace", "0"] });
  await using up = await tunnel.connect();
  await up.send("hello");
  await tunnel.program.event("flow.open");
  await using down = await tunnel.connect();
  const sending = up.send(endless());
  await down.got(pieces * 15_000);
  await tunnel.stop();
  await sending;
});

function* endless(): Generator<Uint8Array> {
  for (;;) yield Buffer.alloc(65_536, 0x62);
}

/** porthop at such a server, with little patience where it has to lose it, and the client on whose channel the flood begins. */
async function flooded(
  flood: Flood,
  use: (server: Awaited<ReturnType<typeof floodingServer>>, tunnel: Tunnel, growth: () => number) => Promise<void>,
): Promise<void> {
  await using server = await floodingServer(flood);
  const short = [...lostForGood, "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"];
  const args = ["--grace", "100ms", ...(flood.reads === true ? [] : short)];
  await using tunnel = await openTunnel(server, [target], { args, env: tidyMemory });
  const { pid } = tunnel.program;
  await using client = await connectTo(tunnel.port);
  const before = residentBytes(pid);
  await client.send("hello");
  await use(server, tunnel, () => residentBytes(pid) - before);
}

/** Until it has ended, or has grown so much that there is nothing more to learn, or has had all the time that it needs. */
async function highestUntilExit(program: Porthop, growth: () => number): Promise<number> {
  let ended = false;
  const end = program.exit.then(() => {
    ended = true;
  });
  const deadline = performance.now() + 90_000;
  let most = 0;
  while (!ended && most < bound) {
    assert.ok(performance.now() < deadline, "it was not given up within 90 s");
    try {
      most = Math.max(most, growth());
    } catch {
      // It ended just now.
    }
    await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  return most;
}
