import assert from "node:assert/strict";
import { test } from "node:test";
import { readRelaySettings } from "../../../../src/config/relay-settings.ts";
import { planRelay } from "../../../../src/forward/plan/relay-plan.ts";

const plan = (...words: string[]) => planRelay(readRelaySettings(["-L", "8080:intranet:80", ...words]));

test("A relay has forwards and a chain, and no session.", async () => {
  const { session, trust, forwards, plugins, exitOnForwardFailure } = await plan("--use", "log");
  assert.deepEqual([session, trust, exitOnForwardFailure], [undefined, undefined, true]);
  assert.deepEqual(
    [forwards.map(({ id, kind }) => `${id} ${kind}`), plugins.map(({ name }) => name)],
    [["L1 relay"], ["log"]],
  );
});

test("ConnectTimeout is for the target, as there is nothing else to connect to; 0 is the system's own.", async () => {
  assert.equal((await plan("-o", "ConnectTimeout=3")).here?.dialTimeoutMs, 3000);
  assert.equal((await plan("-o", "ConnectTimeout=0")).here?.dialTimeoutMs, undefined);
  assert.equal((await plan()).here?.dialTimeoutMs, undefined);
});

test("A listener that cannot be set up ends it, unless that is not wanted.", async () => {
  assert.equal((await plan("-o", "ExitOnForwardFailure=no")).exitOnForwardFailure, false);
});
