import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { Client } from "ssh2";
import { needsNagleCure, outputOf, runQuietly, startCommand } from "../../../../src/ssh/channel/server-shell.ts";

class ScriptedChannel extends EventEmitter {
  readonly stderr = { resume: () => void this.done.push("stderr resumed") };
  /** What was done to it, in order. */
  readonly done: string[] = [];

  setEncoding(): void {}

  resume(): void {
    this.done.push("resumed");
  }

  end(): void {
    this.done.push("ended");
  }

  close(): void {
    this.done.push("closed");
  }
}

type Answer = (error: Error | undefined, channel: ScriptedChannel | undefined) => void;

function clientThat(exec: (command: string, answer: Answer) => void): Client {
  return { exec } as unknown as Client;
}

test("A command that runs has its stdin ended and its output thrown away, and is waited for.", async () => {
  const channel = new ScriptedChannel();
  const commands: string[] = [];
  const client = clientThat((command, answer) => {
    commands.push(command);
    answer(undefined, channel);
  });
  let over = false;
  const running = runQuietly(client, "true").then(() => {
    over = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([commands, over], [["true"], false]);
  assert.deepEqual(channel.done.toSorted(), ["ended", "resumed", "stderr resumed"]);
  channel.emit("close");
  await running;
  assert.equal(channel.done.includes("closed"), false);
});

for (const [what, exec] of [
  ["refuses it", (_: string, answer: Answer) => answer(new Error("open failed"), undefined)],
  [
    "is gone",
    () => {
      throw new Error("Not connected");
    },
  ],
] as const) {
  test(`A server that ${what} costs nothing but the command.`, async () => {
    await runQuietly(clientThat(exec), "true");
    assert.equal(await startCommand(clientThat(exec), "true"), undefined);
  });
}

test("A server that runs something endless instead is not waited for: the channel is closed.", async () => {
  const channel = new ScriptedChannel();
  await runQuietly(
    clientThat((_, answer) => answer(undefined, channel)),
    "true",
    10,
  );
  assert.equal(channel.done.at(-1), "closed");
});

test("A server that never answers is not waited for, and the channel that comes too late is closed.", async () => {
  let late: Answer = () => assert.fail("it was never asked");
  const client = clientThat((_, answer) => {
    late = answer;
  });
  assert.equal(await startCommand(client, "cat", 10), undefined);
  const channel = new ScriptedChannel();
  late(undefined, channel);
  assert.deepEqual(channel.done, ["closed"]);
  late(new Error("(SSH) No response from server"), undefined);
});

test("A command that was started is handed over as it is.", async () => {
  const channel = new ScriptedChannel();
  assert.equal(
    await startCommand(
      clientThat((_, answer) => answer(undefined, channel)),
      "cat",
    ),
    channel,
  );
  assert.deepEqual(channel.done, []);
});

test("What a command prints is its output, once it has ended.", async () => {
  const channel = new ScriptedChannel();
  const output = outputOf(
    clientThat((_, answer) => answer(undefined, channel)),
    "cat",
  );
  await new Promise((resolve) => setImmediate(resolve));
  channel.emit("data", "one\n");
  channel.emit("data", "two\n");
  channel.emit("close");
  assert.equal(await output, "one\ntwo\n");
  assert.deepEqual(channel.done.toSorted(), ["ended", "stderr resumed"]);
});

test("A command that is refused, never ends, breaks or babbles has no output, and is closed.", async () => {
  const refusing = clientThat((_, answer) => answer(new Error("no"), undefined));
  assert.equal(await outputOf(refusing, "cat"), undefined);
  for (const play of [
    () => {},
    (channel: ScriptedChannel) => void channel.emit("error", new Error("broken")),
    (channel: ScriptedChannel) => {
      for (let index = 0; index < 100; index++) channel.emit("data", "x".repeat(1024));
    },
  ]) {
    const channel = new ScriptedChannel();
    const output = outputOf(
      clientThat((_, answer) => answer(undefined, channel)),
      "cat",
      50,
    );
    await new Promise((resolve) => setImmediate(resolve));
    play(channel);
    assert.equal(await output, undefined);
    assert.ok(channel.done.includes("closed"));
  }
});

for (const [software, needed] of [
  ["OpenSSH_9.2p1 Debian-2+deb12u7", true],
  ["OpenSSH_10.0", true],
  ["OpenSSH_10.1", false],
  ["OpenSSH_10.10p1", false],
  ["OpenSSH_11.0", false],
  ["OpenSSH_7.4", true],
  ["dropbear_2022.83", false],
  ["libssh_0.10.5", false],
  ["", false],
] as const) {
  test(`${software === "" ? "A server without a name" : software} ${needed ? "needs" : "does not need"} the cure.`, () => {
    assert.equal(needsNagleCure(software), needed);
  });
}
