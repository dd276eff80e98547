/** A tunnel whose session is lost and whose server is away: whoever connects now is held. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes, sha256 } from "../kit/random.ts";
import { lateAnswerServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";
import { openTunnel, type TunnelOptions } from "./tunnel.ts";

/** The target answers what it got. */
export async function outage(args: readonly string[] = [], options: TunnelOptions = {}) {
  const sshd = await startSshd();
  const target = await lateAnswerServer();
  const tunnel = await openTunnel(sshd, [target], { ...options, args: ["--hold", "60s", ...args] });
  await sshd.kill();
  await tunnel.program.event("session", ({ state }) => state === "lost");
  return {
    sshd,
    target,
    tunnel,
    async [Symbol.asyncDispose]() {
      await tunnel[Symbol.asyncDispose]();
      await target.close();
      await sshd[Symbol.asyncDispose]();
    },
  };
}

/** The options for a plugin that tells in the log that a flow is under way to its target. */
export function marking(): string[] {
  const mark = join(tempDirectory("plugin"), "mark.mjs");
  const source = `export default { name: "mark", about: "tells who waits", setup: (host) => (flow, next) => {
    setTimeout(() => host.log.info("dialing " + flow.id), 1);
    return next();
  } };`;
  writeFileSync(mark, source);
  return ["--use", mark];
}

/** What lateAnswerServer says. */
export function answerTo(content: Uint8Array | string): string {
  return `${content.length} ${sha256(content)}\n`;
}

/** On any runtime: who resets while held has left, and who stays is carried through the outage, whole. */
export async function holdsOn(runtime: NonNullable<TunnelOptions["runtime"]>): Promise<void> {
  await using play = await outage(marking(), { runtime });
  const { tunnel, target } = play;
  await using staying = await tunnel.connect();
  const leaving = await tunnel.connect();
  await leaving.send([randomBytes(10_000)]);
  await tunnel.program.stderr(/dialing L1#2$/m);
  leaving.reset();
  const left = await tunnel.program.event("flow.close");
  assert.deepEqual([left.flow, left.reason, left["by"]], ["L1#2", "aborted", "origin"]);
  const content = randomBytes(1_000_000);
  const sent = staying.send([content]);
  await play.sshd.start();
  await sent;
  staying.end();
  assert.equal((await staying.received).ended, true);
  assert.equal(staying.text, answerTo(content));
  assert.equal(target.accepted, 1);
  assert.equal((await tunnel.stop()).code, 0);
}
