/**
 * The session dies again and again under load: new connections wait for the next one, all listeners come back, and no
 * flow that broke off looks like a whole one.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { faultyRelay } from "../kit/faulty-relay.ts";
import { hashedTarget } from "../kit/hashed-target.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { freePort } from "../kit/servers.ts";
import { killSessions } from "../kit/session-kills.ts";
import { startSshd } from "../kit/sshd.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 120_000 };

for (const [name, kills, words] of [
  ["The session dies at any moment under load", 16, []],
  ["The session dies while its keys are renewed with each megabyte", 6, ["-o", "RekeyLimit=1M"]],
] as const) {
  test(`${name}: nobody is refused, no broken flow looks whole, all listeners come back.`, limits, async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    await using sshd = await startSshd();
    await using relay = await faultyRelay(sshd);
    // One target for clients of listeners here, and one that porthop itself dials.
    await using there = await hashedTarget();
    await using here = await hashedTarget();
    const ports = { local: await freePort(), dynamic: await freePort(), remote: await freePort() };
    const login = relay.login(sshd);
    const forwards = [
      ...["-L", `${ports.local}:127.0.0.1:${there.port}`, "-D", String(ports.dynamic)],
      ...["-R", `${ports.remote}:127.0.0.1:${here.port}`],
    ];
    await using program = porthop([
      "run",
      "--json",
      "--log",
      "error",
      ...forwards,
      ...words,
      ...login.sshArgs,
      login.host,
    ]);
    await program.event("ready");
    const report = await killSessions(
      {
        sshd,
        relay,
        entrances: [
          { name: "-L", port: ports.local, clients: 14 },
          { name: "-D", port: ports.dynamic, socksTo: there.port, clients: 3 },
          { name: "-R", port: ports.remote, clients: 3 },
        ],
      },
      { seed, kills, betweenMs: [50, 600] },
    );
    const sorted = [...report.firstByteMs].sort((one, other) => one - other).map(Math.round);
    const { turnedAway, complaints } = report;
    const told = `seed ${seed}: ${JSON.stringify({ sorted, turnedAway, counts: [...report.counts], complaints })}`;
    console.log(`seed ${seed}, ${kills} kills: ${sorted[Math.floor(kills / 2)]} ms to the first byte (median)`);
    for (const entrance of ["-L", "-D"]) {
      const counts = report.counts.get(entrance);
      assert.deepEqual([report.turnedAway[entrance], counts?.refused, counts?.stuck], [0, 0, 0], told);
      assert.deepEqual([counts?.wrong, counts?.short], [0, 0], `${entrance}: ${told}`);
      assert.ok((counts?.whole ?? 0) > 0, told);
    }
    // The ends that sshd holds see a FIN when its process is killed, so they may be short, and never wrong.
    assert.deepEqual([report.counts.get("-R")?.wrong, there.verdicts.wrong], [0, 0], told);
    assert.deepEqual([here.verdicts.wrong, here.verdicts.short], [0, 0], `${here.complaints.join("\n")} ${told}`);
    assert.ok((report.counts.get("-R")?.whole ?? 0) > 0, told);
    const refused = program.events.filter(
      ({ event, reason, forward }) => event === "flow.close" && reason === "refused" && forward !== "R1",
    );
    assert.deepEqual(refused, [], `seed ${seed}`);
    // Generous: a loaded machine is slow, and a back-off that grew would be slower still.
    assert.ok((sorted[Math.floor(kills / 2)] ?? 0) < 10_000, told);
    program.signal("SIGTERM");
    assert.equal((await program.exit).code, 0);
  });
}
