import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { Client } from "ssh2";
import { outputOf, startCommand } from "../../../../src/ssh/channel/server-shell.ts";

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

type Answer = (error: Error | undefined, channel?: unknown) => void;

function clientThat(exec: (command: string, answer: Answer) => void): Client {
  return { exec } as Client;
}

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
    assert.equal(await startCommand(clientThat(exec), "true"), undefined);
  });
}

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
