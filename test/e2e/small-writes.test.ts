/**
 * sshd before 10.1 leaves Nagle's algorithm on until a session channel was opened: porthop opens one where it helps.
 * What a real sshd writes in its log is the proof; no time is measured.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { findTool, need } from "../kit/packages.ts";
import { run } from "../kit/run.ts";
import { echoServer } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { startSshd } from "../kit/sshd.ts";
import { echoes, playTarget } from "../kit/tcp-end.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };

for (const [ident, flags, commands] of [
  ["OpenSSH_9.2p1 Debian-2", [], ["true"]],
  ["OpenSSH_10.0", [], ["true"]],
  ["OpenSSH_10.1", [], []],
  ["OpenSSH_9.2p1 Debian-2", ["--no-nagle-cure"], []],
  ["dropbear_2022.83", [], []],
] as const) {
  const does = commands.length > 0 ? "runs `true` once" : "runs nothing";
  test(`On ${ident} porthop ${["run", ...flags].join(" ")} ${does} against delayed small writes.`, limits, async () => {
    await using server = await startSshServer({ ident, exec: () => ({ code: 0 }) });
    await using target = await echoServer();
    await using tunnel = await openTunnel(server, [target], { args: flags });
    assert.equal(await echoes(tunnel.port), true);
    await tunnel.stop();
    assert.deepEqual(server.counts.commands, commands);
  });
}

for (const [flags, sessions] of [
  [[], (await delaysSmallWrites()) ? 1 : 0],
  [["--no-nagle-cure"], 0],
] as const) {
  test(`With ${flags[0] ?? "no flag"} this machine's sshd sees ${sessions} session channels.`, limits, async () => {
    await using sshd = await startSshd();
    await using target = await playTarget();
    await using tunnel = await openTunnel(sshd, [target], { args: flags });
    await using client = await tunnel.connect();
    const far = await target.accepted();
    for (const [index, text] of ["a", "b", "c"].entries()) {
      await far.send(text);
      await client.got(index + 1);
    }
    far.end();
    client.end();
    await tunnel.stop();
    assert.equal(client.text, "abc");
    await sshd.logged(/Disconnected from user |Connection closed by /, { after: sshd.log().indexOf("Accepted") });
    assert.equal(sshd.log().match(/Starting session: command/g)?.length ?? 0, sessions);
  });
}

/** sshd before 10.1, unless a session channel was opened. */
async function delaysSmallWrites(): Promise<boolean> {
  const sshd = findTool("sshd");
  const { stderr } = sshd === undefined ? { stderr: "" } : await run(sshd, ["-V"]);
  const [, major, minor] = /OpenSSH_(\d+)\.(\d+)/.exec(stderr) ?? [];
  return Number(major) * 100 + Number(minor) < 1001;
}
