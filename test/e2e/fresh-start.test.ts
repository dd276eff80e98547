/** `porthop run` starts itself anew with settings that only count from the first instruction on: same process, same words. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("ssh-keygen"), timeout: 30_000 };
const target = { host: "127.0.0.1", port: 9 };

function environmentOf(pid: number): ReadonlyMap<string, string> {
  const pairs = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  return new Map(pairs.map((pair) => [pair.split("=", 1)[0] ?? "", pair.slice(pair.indexOf("=") + 1)]));
}

test("The running program keeps freed memory for a while, under the pid that was started.", limits, async () => {
  await using server = await startSshServer();
  await using tunnel = await openTunnel(server, [target], { runtime: "compiled" });
  assert.equal(environmentOf(tunnel.program.pid).get("MIMALLOC_PURGE_DELAY"), "30000");
});

test("A user's own setting of the allocator is left alone.", limits, async () => {
  await using server = await startSshServer();
  const env = { MIMALLOC_PURGE_DELAY: "50" };
  await using tunnel = await openTunnel(server, [target], { runtime: "compiled", env });
  assert.equal(environmentOf(tunnel.program.pid).get("MIMALLOC_PURGE_DELAY"), "50");
});
