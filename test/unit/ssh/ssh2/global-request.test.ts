import assert from "node:assert/strict";
import { test } from "node:test";
import { GlobalRequests } from "../../../../src/ssh/ssh2/global-request.ts";
import type { ClientView, Handlers, HostKeyView, ProtocolView } from "../../../../src/ssh/ssh2/view.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";

/** A client that writes down what ssh2 itself would hear, and what would be sent. */
function played() {
  const story: unknown[] = [];
  const handlers: Pick<Handlers, "GLOBAL_REQUEST"> = {
    GLOBAL_REQUEST: (...words) => void story.push(["ssh2", ...words]),
  };
  const protocol = {
    _handlers: handlers,
    requestSuccess: () => void story.push("yes"),
    ping: () => void story.push("ping"),
    _destruct: (() => {}) as (() => void) | undefined,
    openssh_hostKeysProve: (keys: readonly HostKeyView[]) =>
      void story.push(["prove", ...keys.map((key) => String(key.getPublicSSH()))]),
  };
  const callbacks: ClientView["_callbacks"] = [];
  const view = { _protocol: protocol as Partial<ProtocolView>, _callbacks: callbacks } as ClientView;
  return { story, handlers, protocol, callbacks, requests: new GlobalRequests(view) };
}

test("Requests of a name that is taken are handed over, with a yes where one is wanted; ssh2 does not see them.", () => {
  const { story, handlers, requests } = played();
  requests.take("hostkeys-00@openssh.com", (data) => story.push(["told", data]));
  handlers.GLOBAL_REQUEST("self", "hostkeys-00@openssh.com", true, ["a key"]);
  handlers.GLOBAL_REQUEST("self", "hostkeys-00@openssh.com", false, "nonsense");
  assert.deepEqual(story, ["yes", ["told", ["a key"]], ["told", "nonsense"]]);
});

test("All other requests go to ssh2 as they came.", () => {
  const { story, handlers, requests } = played();
  requests.take("hostkeys-00@openssh.com", () => assert.fail("it has another name"));
  handlers.GLOBAL_REQUEST("self", "keepalive@openssh.com", true, null);
  assert.deepEqual(story, [["ssh2", "self", "keepalive@openssh.com", true, null]]);
});

test("The server's signatures are its answer, and its refusal is none.", async () => {
  const { story, callbacks, requests } = played();
  const key = { getPublicSSH: () => Buffer.from("key") };
  const [proved, refused, empty] = [1, 2, 3].map(() => requests.proveHostKeys([key]));
  assert.deepEqual(story, Array(3).fill(["prove", "key"]));
  callbacks.shift()?.(false, Buffer.from("signatures"));
  callbacks.shift()?.(true, Buffer.from("nonsense"));
  callbacks.shift()?.(false, null);
  assert.deepEqual([String(await proved), await refused, await empty], ["signatures", undefined, undefined]);
});

test("A round trip waits behind all that was asked before, in one line with what ssh2 asks itself.", {
  timeout: 30_000,
}, async () => {
  await using pair = await ChannelPair.open();
  const story: string[] = [];
  // The answer to what was asked first comes later than the server's look at all of it.
  pair.connection.on("request", (accept) => void setImmediate(() => accept?.()));
  pair.client.forwardIn("localhost", 8080, (error) => story.push(error === undefined ? "listens" : error.message));
  const { ports } = pair;
  const first = ports.ping().then(() => void story.push("first round trip"));
  const proved = ports.proveHostKeys([]).then((answer) => void story.push(`proved ${answer}`));
  const second = ports.ping().then(() => void story.push("second round trip"));
  await first;
  assert.equal(story[0], "listens");
  await Promise.all([proved, second]);
  assert.deepEqual(
    story.filter((what) => /round trip/.test(what)),
    ["first round trip", "second round trip"],
  );
  assert.ok(story.includes("proved undefined"));
});

test("Once the session has ended nothing is asked, and whoever waits is told.", async () => {
  const { callbacks, protocol, requests, story } = played();
  const waiting = [requests.ping(), requests.proveHostKeys([])];
  for (const answer of callbacks.splice(0)) answer(new Error("No response from server"));
  for (const each of waiting) await assert.rejects(each, /No response/);
  protocol._destruct = undefined;
  const late = [requests.ping(), requests.proveHostKeys([])];
  for (const each of late) await assert.rejects(each, /the session has ended/);
  assert.deepEqual([callbacks.length, story], [0, ["ping", ["prove"]]]);
});
