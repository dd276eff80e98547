/** The server is away for a while, and so many connect meanwhile: they wait, and all are served when it is back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { playExchange } from "../kit/hashed-client.ts";
import { hashedTarget } from "../kit/hashed-target.ts";
import { need } from "../kit/packages.ts";
import { startSshd } from "../kit/sshd.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 120_000 };
const clients = 500;

for (const [how, leave] of [
  ["is stopped", "stop"],
  ["is killed", "kill"],
] as const) {
  test(`The server ${how}, and ${clients} who connect meanwhile are all served when it is back.`, limits, async () => {
    await using sshd = await startSshd();
    await using target = await hashedTarget();
    await using tunnel = await openTunnel(sshd, [target], { args: ["--log", "error", "--hold", "2m"] });
    await sshd[leave]();
    await tunnel.program.event("session", ({ state }) => state === "lost");
    const before = target.accepted;
    const served = Array.from({ length: clients }, (_, seed) =>
      playExchange({ port: tunnel.port }, { up: 2000 + seed, down: 3000 - seed, seed }),
    );
    // It is away for several tries, the last of them after a back-off that has grown.
    await tunnel.program.event("reconnect", ({ attempt }) => Number(attempt) >= 4);
    assert.equal(target.accepted, before);
    const start = performance.now();
    await sshd.start();
    const outcomes = (await Promise.all(served)).map(({ outcome }) => outcome);
    console.log(`${clients} served ${Math.round(performance.now() - start)} ms after the server was back`);
    assert.deepEqual(new Set(outcomes), new Set(["whole"]));
    assert.equal(target.verdicts.whole, clients);
    assert.equal((await tunnel.stop()).code, 0);
  });
}
