import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, test } from "node:test";
import { parseNetworks } from "../../../src/codec/cidr.ts";
import { parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { type Forward, nameForwards } from "../../../src/config/forward.ts";
import type { Inbound } from "../../../src/flow/conn.ts";
import { type HereOptions, listenHere } from "../../../src/forward/here-listener.ts";
import { refusal } from "../../kit/refusal.ts";
import { freePort } from "../../kit/servers.ts";
import { warningTo } from "../../kit/telling.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const folder = tempDirectory("here-listener");
after(() => removeTemp(folder));
const quietly: HereOptions = { family: undefined, unix: { mask: 0o177 }, telling: warningTo(assert.fail) };

const nobody = (): void => assert.fail("nobody was to come in");

function forwardOf(flag: "L" | "D" | "W", text: string): Forward {
  const [forward] = nameForwards([parseForwardSpec(flag, text)], false);
  assert.ok(forward !== undefined);
  return forward;
}

async function remarks(flag: "L" | "D", text: string, options = quietly) {
  const listener = await listenHere(forwardOf(flag, text), nobody, options);
  await listener.close();
  return listener.remarks ?? [];
}

test("A forward that other machines can reach says so, each in its own words.", async () => {
  const port = await freePort();
  assert.deepEqual(await remarks("L", `*:${port}:h:1`), [
    "open to the network: anyone who reaches this machine may use it; --allow-from restricts it",
  ]);
  assert.match((await remarks("D", `*:${port}`)).join(), /use it as a proxy/);
  assert.deepEqual(await remarks("L", `${port}:h:1`), []);
  assert.deepEqual(await remarks("D", `${port}`), []);
});

test("With --allow-from nothing is said of that: it was thought of.", async () => {
  const options = { ...quietly, allowFrom: parseNetworks("10.0.0.0/8") };
  const port = await freePort();
  assert.deepEqual(await remarks("L", `*:${port}:h:1`, options), []);
  assert.deepEqual(await remarks("D", `*:${port}`, options), []);
});

test("Who is not in --allow-from is reset, told of with the forward's name, and comes to nobody.", async () => {
  const port = await freePort();
  const told = Promise.withResolvers<string>();
  const options = { ...quietly, allowFrom: parseNetworks("10.0.0.0/8"), telling: warningTo(told.resolve) };
  const listener = await listenHere(forwardOf("L", `127.0.0.1:${port}:h:1`), nobody, options);
  const socket = createConnection(port, "127.0.0.1");
  // The error is the reset; "close" comes after it.
  await new Promise((resolve) => socket.on("error", () => {}).on("close", resolve));
  assert.equal(await told.promise, "L1: turned 127.0.0.1 away: it is not in --allow-from");
  await listener.close();
});

test("A path is a unix socket, which --allow-from does not concern.", async () => {
  const path = join(folder, "it.sock");
  const came = Promise.withResolvers<Inbound>();
  const options = { ...quietly, allowFrom: parseNetworks("10.0.0.0/8") };
  const listener = await listenHere(forwardOf("L", `${path}:h:1`), came.resolve, options);
  const socket = createConnection(path);
  assert.deepEqual((await came.promise).origin, { path });
  socket.destroy();
  await listener.close();
  assert.equal(existsSync(path), false);
});

test("Without a place to listen, stdin and stdout are the connection.", async () => {
  const came = Promise.withResolvers<Inbound>();
  const streams = { input: new PassThrough(), output: new PassThrough() };
  await listenHere(forwardOf("W", "h:1"), came.resolve, { ...quietly, streams });
  assert.deepEqual((await came.promise).origin, { path: "stdio" });
  assert.equal((await refusal(listenHere(forwardOf("W", "h:1"), nobody, quietly))).code, "internal");
});
