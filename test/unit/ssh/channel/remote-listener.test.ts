import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { ServerChannel } from "ssh2";
import type { Address } from "../../../../src/codec/address.ts";
import { PorthopError } from "../../../../src/errors.ts";
import type { Inbound } from "../../../../src/flow/conn.ts";
import { channelConn } from "../../../../src/ssh/channel/channel-conn.ts";
import { RemoteListeners } from "../../../../src/ssh/channel/remote-listener.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";
import { readAll, writeAll } from "../../../kit/memory-conn.ts";
import { refusal } from "../../../kit/refusal.ts";
import { Waiting } from "../../../kit/waiting.ts";

const timeout = 30_000;
const peer = { host: "vishnu", port: 22 };
const lost = new PorthopError("ssh.lost", "lost the session", { leg: 2 });
const refused = new PorthopError("target.refused", "no", { leg: 3 });

interface Bind {
  readonly bindAddr?: string;
  readonly bindPort?: number;
  readonly socketPath?: string;
}

/** A port, whether it will; or no answer at all. */
type Answer = number | boolean | "silent";

/** A session with a server that answers requests to listen as the test wants. */
async function play(answer: (bind: Bind) => Answer = () => true) {
  const pair = await ChannelPair.open();
  const requests: string[] = [];
  pair.connection.on("request", (accept, reject, name, info) => {
    const bind = info as Bind;
    const { bindAddr, bindPort, socketPath } = bind;
    requests.push(`${name} ${socketPath ?? `${bindAddr}:${bindPort}`}`);
    const answered = name.startsWith("cancel") && answer(bind) !== "silent" ? true : answer(bind);
    if (answered === "silent") return;
    if (answered === false) reject?.();
    else accept?.(answered === true ? undefined : answered);
  });
  const state: { gone: PorthopError | undefined } = { gone: undefined };
  pair.client.on("close", () => {
    state.gone = lost;
  });
  const carrier = {
    get goneBy() {
      return state.gone;
    },
    congestion: () => undefined,
  };
  const inbounds: Inbound[] = [];
  /** For which of the listeners they came, in the order of the listens. */
  const owners: number[] = [];
  let listens = 0;
  const warnings: string[] = [];
  const waiting = new Waiting();
  const listeners = new RemoteListeners(pair.ports, {
    peer,
    server: { host: "192.0.2.7", port: 22 },
    gate: { output: async () => undefined },
    get goneBy() {
      return state.gone;
    },
    adopt: (channel, origin) => channelConn(channel, carrier, origin, 1),
    warn: (text) => warnings.push(text),
  });
  return {
    pair,
    warnings,
    requests,
    owners,
    listen: (address: Address) => {
      const owner = listens++;
      const accept = (inbound: Inbound) => {
        inbounds.push(inbound);
        owners.push(owner);
        waiting.change();
      };
      return listeners.listen(address, accept, `R${owner + 1}`);
    },
    inbound: (index = 0) => waiting.until(`inbound ${index}`, () => inbounds[index]),
    /** How the server tells that somebody connected; rejects with what we answered. */
    connect: (bindAddr: string, port: number) =>
      new Promise<ServerChannel>((resolve, reject) => {
        pair.connection.forwardOut(bindAddr, port, "127.0.0.1", 40_000, (error, channel) =>
          error ? reject(error) : resolve(channel),
        );
      }),
    connectUnix: (path: string) =>
      new Promise<ServerChannel>((resolve, reject) => {
        pair.connection.openssh_forwardOutStreamLocal(path, (error, channel) =>
          error ? reject(error) : resolve(channel),
        );
      }),
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}

const local = (port: number) => ({ host: "localhost", port });

test("A connection on the server's side carries bytes both ways, with both half-closes.", { timeout }, async () => {
  await using played = await play();
  const listener = await played.listen(local(8080));
  assert.deepEqual([listener.addresses, listener.remarks], [[local(8080)], []]);
  const opening = played.connect("localhost", 8080);
  const inbound = await played.inbound();
  assert.deepEqual(inbound.origin, { host: "127.0.0.1", port: 40_000 });
  const conn = await inbound.accept();
  const far = await opening;
  let heard = "";
  far.on("data", (chunk: Uint8Array) => {
    heard += String(chunk);
  });
  const ended = once(far, "end");
  far.write("question", () => far.eof());
  assert.equal(String(await readAll(conn)), "question");
  await writeAll(conn, [Buffer.from("late answer")]);
  await ended;
  assert.equal(heard, "late answer");
});

test("Port 0 is the port that the server chose, there and for what comes in.", { timeout }, async () => {
  let next = 40_001;
  await using played = await play(() => next++);
  const listeners = [await played.listen(local(0)), await played.listen(local(0))];
  assert.deepEqual(
    listeners.map(({ addresses }) => addresses[0]),
    [local(40_001), local(40_002)],
  );
  played.connect("localhost", 40_002).catch(() => {});
  assert.deepEqual((await played.inbound()).leg.to, { host: "127.0.0.1", port: 40_002 });
  await Promise.all(listeners.map((listener) => listener.close()));
  assert.deepEqual(played.requests.slice(2), [
    "cancel-tcpip-forward localhost:40001",
    "cancel-tcpip-forward localhost:40002",
  ]);
});

test("A connection for another address is refused and told, one that comes after the end is refused only.", {
  timeout,
}, async () => {
  await using played = await play(() => 40_001);
  const listener = await played.listen(local(0));
  await assert.rejects(played.connect("0.0.0.0", 40_001), { reason: 1 });
  const told =
    "vishnu:22 has a connection for 0.0.0.0:40001, which no forward asked for: refused; R1 asked for localhost:40001";
  assert.deepEqual(played.warnings, [told]);
  await listener.close();
  await assert.rejects(played.connect("localhost", 40_001), { reason: 1 });
  assert.deepEqual(played.warnings, [told]);
});

test("Two listeners on one port are told apart by their bind addresses, IPv6 included.", { timeout }, async () => {
  await using played = await play();
  await played.listen({ host: "127.0.0.1", port: 80 });
  await played.listen({ host: "::1", port: 80 });
  assert.deepEqual(played.requests, ["tcpip-forward 127.0.0.1:80", "tcpip-forward ::1:80"]);
  played.connect("::1", 80).catch(() => {});
  played.connect("127.0.0.1", 80).catch(() => {});
  await played.inbound(1);
  assert.deepEqual(played.owners, [1, 0]);
});

test("A unix socket on the server is one too.", { timeout }, async () => {
  await using played = await play();
  const path = "/run/a.sock";
  const listener = await played.listen({ path });
  assert.deepEqual(listener.addresses, [{ path }]);
  const opening = played.connectUnix(path);
  const conn = await (await played.inbound()).accept();
  (await opening).end("hello");
  assert.equal(String(await readAll(conn)), "hello");
  await listener.close();
  assert.deepEqual(played.requests, [
    "streamlocal-forward@openssh.com /run/a.sock",
    "cancel-streamlocal-forward@openssh.com /run/a.sock",
  ]);
});

test("A refusal reaches the server with its reason and a few words.", { timeout }, async () => {
  await using played = await play();
  await played.listen(local(8080));
  const opening = assert.rejects(played.connect("localhost", 8080), { reason: 2, message: /Connection refused$/ });
  (await played.inbound()).refuse(refused);
  await opening;
});

test("What nobody asked for is refused as prohibited, and so is what comes after the close.", { timeout }, async () => {
  await using played = await play();
  const listener = await played.listen(local(8080));
  const prohibited = { reason: 1 };
  await assert.rejects(played.connect("localhost", 8081), prohibited);
  await assert.rejects(played.connect("127.0.0.1", 8080), prohibited);
  // Names that every object has.
  for (const path of ["constructor", "__proto__", "/run/b.sock"])
    await assert.rejects(played.connectUnix(path), prohibited);
  await listener.close();
  await assert.rejects(played.connect("localhost", 8080), prohibited);
  assert.equal(played.pair.held, 0);
});

test("A close is heard at once, also by what the server opens before it knows.", { timeout }, async () => {
  await using played = await play((bind) => (played.requests.length > 1 ? "silent" : bind.bindPort === 8080));
  const listener = await played.listen(local(8080));
  const before = performance.now();
  const closed = listener.close();
  await assert.rejects(played.connect("localhost", 8080), { reason: 1 });
  // The server never answers.
  await Promise.all([closed, listener.close()]);
  assert.ok(performance.now() - before < 5000);
});

test("A server that will not listen is told, with what may be the reason.", { timeout }, async () => {
  await using played = await play(() => false);
  const error = await refusal(played.listen({ host: "*", port: 80 }));
  assert.deepEqual([error.code, error.leg], ["forward.refused", 1]);
  assert.equal(error.message, "the server vishnu:22 did not listen on *:80");
  assert.match(error.hint, /ss -ltn.*PermitListen/);
  assert.deepEqual(played.requests, ["tcpip-forward :80"]);
  assert.equal((await refusal(played.listen({ path: "/run/a.sock" }))).code, "forward.refused");
});

for (const [what, port] of [
  ["none", 0],
  ["beyond all ports", 70_000],
] as const) {
  test(`A port of the server's choice that is ${what} is a refusal.`, { timeout }, async () => {
    await using played = await play(() => port);
    assert.equal((await refusal(played.listen(local(0)))).code, "forward.refused");
  });
}

test("One port for two listeners is a refusal of the second.", { timeout }, async () => {
  await using played = await play(() => 40_001);
  await played.listen(local(0));
  assert.equal((await refusal(played.listen(local(0)))).code, "forward.refused");
});

test("With the session gone, a listen and a close end with it, under way or to come.", { timeout }, async () => {
  await using played = await play((bind) => (bind.bindPort === 8081 ? "silent" : true));
  const listener = await played.listen(local(8080));
  const waiting = refusal(played.listen(local(8081)));
  const opening = played.connect("localhost", 8080).catch(() => {});
  const inbound = await played.inbound();
  await played.pair.break();
  assert.equal(await waiting, lost);
  assert.equal(await refusal(played.listen(local(8082))), lost);
  assert.equal(await refusal(played.listen({ path: "/run/a.sock" })), lost);
  assert.equal(await refusal(inbound.accept()), lost);
  await listener.close();
  await opening;
});

test("A flood of connections that nobody answers is held up to a bound, and refused for resources then.", {
  timeout,
}, async () => {
  await using played = await play();
  await played.listen(local(8080));
  const reasons: unknown[] = [];
  const opens = Array.from({ length: 4200 }, () =>
    played.connect("localhost", 8080).catch((error: { reason?: number }) => void reasons.push(error.reason)),
  );
  await played.inbound(4095);
  await Promise.all(opens.slice(4096));
  assert.deepEqual([reasons.length, new Set(reasons)], [104, new Set([4])]);
  // A place that is given back can be taken again.
  (await played.inbound()).refuse(refused);
  await opens[0];
  played.connect("localhost", 8080).catch(() => {});
  await played.inbound(4096);
});
