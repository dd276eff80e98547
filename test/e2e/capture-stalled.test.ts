/** A capture whose reader is still there and reads no more, as a Wireshark that was stopped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { startSshd } from "../kit/sshd.ts";
import { playTarget } from "../kit/tcp-end.ts";
import { assertCarries } from "./carriage.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "bash"), timeout: 60_000 };

test("SIGTERM ends porthop though nobody reads its --capture - any more, and that is said.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await playTarget();
  // porthop has bash's own place, so that signals reach it; whoever has its stdout does not read.
  const under = ["bash", "-c", 'exec "$0" "$@" > >(exec sleep 40 > /dev/null 2>&1)'];
  await using tunnel = await openTunnel(sshd, [target], { capture: "-", under });
  await using client = await tunnel.connect();
  await assertCarries(client, await target.accepted(), { bytes: 1_000_000 });
  const { code, stderr } = await tunnel.stop();
  assert.match(stderr, /nobody takes the last frames of the capture -: it ends without them/);
  assert.equal(code, 0);
});
