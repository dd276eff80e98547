/** Servers that break the rules of SSH: porthop loses the session, or one flow, with an error, and never itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { hostileSsh, type Manners, type Peer, text, uint32 } from "../kit/hostile-ssh.ts";
import { type Porthop, porthop } from "../kit/porthop.ts";
import { freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { untilClosed } from "./closed-port.ts";
import { assertClean, assertEvents } from "./failure.ts";
import { assertReset } from "./reset-client.ts";
import { lostForGood, openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { timeout: 60_000 };
const target = { host: "target.example", port: 80 };

const message = {
  ...{ disconnect: 1, failure: 51, success: 52, question: 60 },
  ...{ open: 90, data: 94, extended: 95, eof: 96, close: 97 },
};

/** Runs porthop against this server until it ends. `use` plays the client once the forward is up. */
async function runAgainst(manners: Manners, use: (port: number, program: Porthop) => Promise<void> = async () => {}) {
  await using server = await hostileSsh(manners);
  const port = await freePort();
  const forward = ["-L", `${port}:${target.host}:${target.port}`];
  const words = ["run", "--json", ...lostForGood, ...forward, ...server.sshArgs, server.host];
  await using program = porthop(words);
  const used = program.event("ready").then(() => use(port, program));
  // A server may be so bad that nothing gets ready: then the exit tells.
  const exit = await program.exit;
  await used.catch(() => {});
  assertClean(exit);
  return { exit, server };
}

/** The session is lost, whatever the client was doing, with a reason and the exit code of ssh's failures. */
async function assertLost(
  manners: Manners,
  says: RegExp,
  use?: (port: number, program: Porthop) => Promise<void>,
): Promise<void> {
  const { exit, server } = await runAgainst(manners, use);
  assert.equal(exit.code, 255, exit.stderr);
  const error = assertEvents(exit, 255);
  assert.deepEqual([error.code, error["leg"]], ["ssh.lost", 2], exit.stderr);
  assert.ok(error.message?.includes(`127.0.0.1:${server.port}`), error.message);
  assert.match(error.message ?? "", says);
}

test(
  "A server that breaks off with the very answer to the login leaves no forward that leads nowhere.",
  limits,
  async () => {
    const last: readonly (readonly [(peer: Peer) => void, RegExp])[] = [
      [(peer) => peer.send(message.disconnect, 0, 0), /DISCONNECT/],
      [
        (peer) => peer.send(message.disconnect, uint32(2), text("\u001b[31mgo away"), text("")),
        /it said "\\x1b\[31mgo away" \(reason 2: protocol error\)$/,
      ],
      [(peer) => peer.send(message.data), /CHANNEL_DATA/],
      [(peer) => void peer.socket.end(), /the connection was closed$/],
      [(peer) => void setImmediate(() => peer.socket.resetAndDestroy()), /connection reset by peer$/],
    ];
    for (const [end, says] of last) {
      const login: Manners["login"] = (context, peer) => {
        context.accept();
        end(peer);
      };
      await assertLost({ login }, says);
    }
  },
);

test(
  "Messages of the login after the login, and messages that make no sense, end the session at most.",
  limits,
  async () => {
    await assertLost({ ready: (peer) => peer.send(message.failure, text("password,publickey"), 0) }, /authentication/);
    const ready: Manners["ready"] = (peer) => {
      for (let type = 80; type < 256; type++) peer.send(type, new Uint8Array(40).fill(type));
      peer.send(message.success);
      peer.send(message.disconnect, uint32(11), text("that was all"), text(""));
    };
    const { exit } = await runAgainst({ ready });
    assert.equal(exit.code, 255);
    assert.equal(assertEvents(exit, 255).code, "ssh.lost");
  },
);

test("A flood of refusals before anything was asked is a failed login.", limits, async () => {
  const login: Manners["login"] = (_context, peer) => {
    for (let index = 0; index < 500; index++) peer.send(message.failure, text("none,publickey,\u001b[2J"), 0);
  };
  const { exit } = await runAgainst({ login });
  assert.equal(exit.code, 255);
  assert.equal(assertEvents(exit, 255).code, "ssh.auth-failed");
});

test("A server that never answers the login is left by Ctrl-C.", limits, async () => {
  await using server = await hostileSsh({ login: () => {} });
  const words = ["run", "-L", `${await freePort()}:${target.host}:${target.port}`, ...server.sshArgs, server.host];
  await using program = porthop(words);
  await program.stderr(/^connecting to /m);
  program.signal("SIGINT");
  const exit = await program.exit;
  assert.deepEqual([exit.code, exit.stdout], [130, ""]);
});

/** The first connection is broken off with this reason; the session goes on, and so does the next connection. */
async function assertFirstClosed(first: NonNullable<Manners["open"]>, reason: RegExp): Promise<void> {
  let opened = 0;
  await using server = await hostileSsh({
    open(peer, accept) {
      opened += 1;
      if (opened === 1) return first(peer, accept);
      accept().channel.end("still here");
    },
  });
  await using tunnel = await openTunnel(server, [target]);
  await using client = await tunnel.connect();
  client.pause();
  const error = await tunnel.program.event("error");
  assert.deepEqual([error.code, error["leg"]], ["ssh.protocol", 2]);
  assert.match(String(error.message), reason);
  client.resume();
  assert.equal((await client.received).ended, false);
  await using next = await tunnel.connect();
  await next.received;
  assert.equal(next.text, "still here");
  const exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assertClean(exit);
}

test(
  "A channel that takes packets of no size costs its own connection, and no circles are run in.",
  limits,
  async () => {
    for (const packetBytes of [0, 1]) {
      await assertFirstClosed(
        (peer, accept) => {
          peer.confirmWith(0xffff_ffff, packetBytes);
          accept();
          // The next channel is as usual.
          peer.confirmWith(2_000_000, 32_768);
        },
        new RegExp(`the server opened a channel that takes packets of ${packetBytes} bytes only`),
      );
    }
  },
);

test("A channel whose window never opens holds its client and nothing else; Ctrl-C ends it.", limits, async () => {
  await using server = await hostileSsh({
    open(peer, accept) {
      peer.confirmWith(0, 32_768);
      accept();
    },
  });
  await using tunnel = await openTunnel(server, [target], { args: ["--grace", "100ms"] });
  await using client = await tunnel.connect();
  await client.send("hello");
  await tunnel.program.event("flow.open");
  tunnel.program.signal("SIGINT");
  assert.equal((await tunnel.program.exit).code, 130);
  assert.equal((await client.received).ended, false);
});

test("A server that sends beyond the window of a connection loses that one, and fills no memory.", limits, async () => {
  await assertFirstClosed((peer, accept) => {
    const { id } = accept();
    const chunk = Buffer.alloc(32_000);
    let sent = 0;
    const more = () => {
      for (let index = 0; index < 100; index++) peer.send(message.data, id, uint32(chunk.length), chunk);
      sent += 3_200_000;
      if (!peer.socket.destroyed && sent < 60_000_000) setTimeout(more, 1);
    };
    more();
  }, /the server sent more than the window of the channel allows/);
});

test("Data behind the end of a channel, or on channels that never were, is nobody's.", limits, async () => {
  await using server = await hostileSsh({
    open(peer, accept) {
      const { id } = accept();
      peer.send(message.eof, id);
      peer.send(message.data, id, text("late"));
      peer.send(message.extended, id, uint32(1), text("late and on stderr"));
      peer.send(message.eof, id);
      peer.send(message.data, uint32(4711), text("never was"));
      peer.send(message.close, uint32(4711));
      peer.send(message.close, id);
      peer.send(message.data, id, text("closed"));
      peer.send(message.close, id);
    },
  });
  await using tunnel = await openTunnel(server, [target]);
  for (let index = 0; index < 3; index++) {
    await using client = await tunnel.connect();
    const { bytes, ended } = await client.received;
    assert.deepEqual([bytes, ended], [0, true], "what came before the end is all there is");
    client.end();
  }
  const exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assertClean(exit);
});

test("What comes on a forward's stderr is dropped, and the forward does not stall on it.", limits, async () => {
  await using server = await hostileSsh({
    open(peer, accept) {
      const { channel, id } = accept();
      const noise = text("x".repeat(30_000));
      // Twice the window, as it would be handed out again.
      let rounds = 0;
      const more = () => {
        for (let index = 0; index < 20; index++) peer.send(message.extended, id, uint32(1), noise);
        rounds += 1;
        if (rounds < 7) setTimeout(more, 10);
        else channel.end("done");
      };
      more();
    },
  });
  await using tunnel = await openTunnel(server, [target]);
  await using client = await tunnel.connect();
  await client.received;
  assert.equal(client.text, "done");
});

test("A channel that is closed instead of being opened resets its client only.", limits, async () => {
  // The first channel of a client has the number 0.
  await using server = await hostileSsh({ open: (peer) => peer.send(message.close, uint32(0)) });
  await using tunnel = await openTunnel(server, [target]);
  await assertReset(tunnel.port);
  const error = await tunnel.program.event("error");
  assert.deepEqual([error.code, error["leg"]], ["target.prohibited", 2]);
  const exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assertClean(exit);
});

test(
  "A channel that is never answered holds its client and no more: others go on, and Ctrl-C ends it.",
  limits,
  async () => {
    await using server = await startSshServer({ forward: () => "hang" });
    const hold = (grace: string) =>
      openTunnel({ ...server, sshArgs: ["-l", "alice", ...server.sshArgs] }, [target], { args: ["--grace", grace] });
    await using tunnel = await hold("100ms");
    {
      await using gone = await tunnel.connect();
      gone.reset();
    }
    await using client = await tunnel.connect();
    await client.send("hello");
    tunnel.program.signal("SIGINT");
    assert.equal((await tunnel.program.exit).code, 130);
    assert.equal((await client.received).ended, false);
    // With all the time of the world it takes a second Ctrl-C.
    await using patient = await hold("1h");
    const asked = server.counts.requests.length;
    await using other = await patient.connect();
    await other.send("hello");
    // A client that porthop has not taken yet would not be waited for.
    while (server.counts.requests.length < asked + 1) await new Promise((resolve) => setImmediate(resolve));
    patient.program.signal("SIGINT");
    // Two signals at once may count as one: the first must have been heard.
    await untilClosed(patient.port);
    patient.program.signal("SIGINT");
    assert.equal((await patient.program.exit).code, 130);
  },
);

test(
  "A connection that drops while a channel is being opened resets the client and ends porthop.",
  limits,
  async () => {
    await using server = await startSshServer({ forward: () => "drop" });
    await using tunnel = await openTunnel({ ...server, sshArgs: ["-l", "alice", ...server.sshArgs] }, [target], {
      args: lostForGood,
    });
    await assertReset(tunnel.port);
    const exit = await tunnel.program.exit;
    assert.equal(exit.code, 255);
    assert.equal(assertEvents(exit, 255).code, "ssh.lost");
    assert.equal((await tunnel.program.event("flow.close")).reason, "refused");
  },
);

test("Channels that nobody asked for are refused, however many, and the forwards go on.", limits, async () => {
  await using server = await hostileSsh({
    ready(peer) {
      const numbers = [uint32(7), uint32(2_000_000), uint32(32_768)];
      const tcp = [text("localhost"), uint32(8080), text("\u001b[2J"), uint32(1)];
      for (let index = 0; index < 5000; index++) peer.send(message.open, text("forwarded-tcpip"), ...numbers, ...tcp);
      const paths = ["constructor", "__proto__", "/run/a.sock"].map((path) => [text(path), text("")]);
      for (const path of paths) peer.send(message.open, text("forwarded-streamlocal@openssh.com"), ...numbers, ...path);
      peer.send(message.open, text("x11"), ...numbers, text("127.0.0.1"), uint32(1));
      peer.send(message.open, text("auth-agent@openssh.com"), ...numbers);
    },
    open: (_peer, accept) => void accept().channel.end("still there"),
  });
  await using tunnel = await openTunnel(server, [target]);
  await using client = await tunnel.connect();
  await client.received;
  assert.equal(client.text, "still there");
  client.end();
  const exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assertClean(exit);
});
