import assert from "node:assert/strict";
import { test } from "node:test";
import { sshWords } from "../../../src/tunnel/ssh-command.ts";
import { ownWords, relayPlan, tunnelPlan } from "../../../src/wizard/plan.ts";

const server = { user: "alice", host: "vishnu", port: 2222 };
const spec = {
  kind: "local",
  side: "here",
  listen: { bind: undefined, port: 8080 },
  connect: { host: "localhost", port: 80 },
} as const;

test("ssh is told to give up when the forward fails, which porthop does by itself.", () => {
  const plan = tunnelPlan(server, spec, "web", {});
  assert.ok(plan.description.via === "ssh");
  assert.ok(sshWords(plan.description).includes("ExitOnForwardFailure=yes"));
  assert.deepEqual(ownWords(plan), ["porthop", "run", "-N", "-p", "2222", "-L", "8080:localhost:80", "alice@vishnu"]);
});

test("A socket file of the last time is out of the way.", () => {
  const plan = tunnelPlan(server, { ...spec, listen: { path: "/tmp/x" } }, "docker", {});
  assert.deepEqual(ownWords(plan).slice(2, 7), ["-N", "-p", "2222", "-o", "StreamLocalBindUnlink=yes"]);
});

test("A relay takes what needs no ssh.", () => {
  const plan = relayPlan(spec, { rate: "1MB/s", background: true, compress: true });
  assert.deepEqual(ownWords(plan), ["porthop", "relay", "-f", "-L", "8080:localhost:80", "--rate-limit", "1MB/s"]);
});
