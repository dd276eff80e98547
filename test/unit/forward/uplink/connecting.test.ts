import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import { Connecting } from "../../../../src/forward/uplink/connecting.ts";
import { stateOf } from "../../../kit/carried-flow.ts";
import { refusal } from "../../../kit/refusal.ts";
import { freePort } from "../../../kit/servers.ts";
import { startSshServer } from "../../../kit/ssh-server.ts";
import { tellingTo } from "../../../kit/telling.ts";
import { easyTrust } from "../../../kit/trust.ts";

const timeout = 30_000;
const { signal } = new AbortController();

function connectingTo({ host, port }: { readonly host: string; readonly port: number }): Connecting {
  const settings = {
    ...{ host, port, user: "anna", connectTimeoutMs: 10_000, keepAliveIntervalMs: 0, keepAliveCountMax: 0 },
    ...{ handshakeTimeoutMs: 10_000, attempts: 1, algorithms: {} },
  };
  return new Connecting(
    { goals: [{ hops: [{ settings, trust: async () => easyTrust() }] }], reconnect: "never" },
    tellingTo(),
  );
}

test("Whoever waits gets the session once it is ready, and not before.", { timeout }, async () => {
  await using server = await startSshServer();
  const connecting = connectingTo(server);
  const waiting = connecting.uplink.session(signal);
  await connecting.connect(signal, async (session) => {
    assert.deepEqual([await stateOf(waiting), connecting.uplink.standing], ["pending", undefined]);
    assert.equal(session.peer.port, server.port);
  });
  assert.equal(await waiting, connecting.uplink.standing);
  await connecting.close();
});

test("When the session is lost the uplink ends with its reason.", { timeout }, async () => {
  await using server = await startSshServer();
  const connecting = connectingTo(server);
  const { lost } = await connecting.connect(signal);
  server.drop();
  const reason = await lost;
  assert.equal(reason.code, "ssh.lost");
  assert.equal(await refusal(connecting.uplink.session(signal)), reason);
  await connecting.close();
});

test("A close is no loss, and who asks for a session after it is told so.", { timeout }, async () => {
  await using server = await startSshServer();
  const connecting = connectingTo(server);
  const { lost } = await connecting.connect(signal);
  await connecting.close();
  assert.equal(await stateOf(lost), "pending");
  assert.equal((await refusal(connecting.uplink.session(signal))).code, "cancelled");
});

test("Without a way there, or with a session that cannot be made ready, none stands.", { timeout }, async () => {
  const nowhere = connectingTo({ host: "127.0.0.1", port: await freePort() });
  assert.equal((await refusal(nowhere.connect(signal))).code, "ssh.unreachable");
  await using server = await startSshServer();
  const connecting = connectingTo(server);
  const unready = new PorthopError("ssh.protocol", "it has no shell");
  assert.equal(await refusal(connecting.connect(signal, () => Promise.reject(unready))), unready);
  for (const each of [nowhere, connecting]) {
    assert.notEqual((await refusal(each.uplink.session(signal))).code, "cancelled", "it says why");
    await each.close();
  }
});
