import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { Client } from "ssh2";
import { CommandGate } from "../../../../src/ssh/channel/command-gate.ts";
import type { Ports } from "../../../../src/ssh/ssh2/ports.ts";
import { sourceFiles } from "../../../kit/source-file.ts";

type Exec = (command: string, done: (error: Error | undefined, channel?: unknown) => void) => void;

/** A server that answers a round trip when `answer` is called, and runs what it is given. */
class Scene {
  readonly commands: string[] = [];
  readonly #unanswered: (() => void)[] = [];
  readonly #listeners: ((text: string) => void)[] = [];
  isGone = false;
  pings = 0;
  readonly ports: Pick<Ports, "client" | "onDebug" | "ping"> = {
    client: { exec: (...words: Parameters<Exec>) => this.#exec(...words) } as Client,
    onDebug: (hear) => void this.#listeners.push(hear),
    ping: async () => {
      if (this.isGone) throw new Error("the session has ended");
      this.pings++;
      await new Promise<void>((resolve) => this.#unanswered.push(resolve));
    },
  };

  get isHeard(): boolean {
    return this.#listeners.length > 0;
  }

  says(text: string): void {
    for (const hear of this.#listeners) hear(text);
  }

  answer(): void {
    this.#unanswered.shift()?.();
  }

  #exec(command: string, done: Parameters<Exec>[1]): void {
    this.commands.push(command);
    const channel = Object.assign(new EventEmitter(), {
      setEncoding() {},
      close() {},
      end: () => void setImmediate(() => channel.emit("close")),
      stderr: { resume() {} },
    });
    done(undefined, channel);
  }
}

const plain = "/root/.ssh/authorized_keys:1: key options: agent-forwarding port-forwarding pty user-rc x11-forwarding";
const forced = "/root/.ssh/authorized_keys:1: key options: agent-forwarding command port-forwarding user-rc";

test("Nobody asked: nothing runs on the server, and it is neither spoken to nor listened to.", async () => {
  const scene = new Scene();
  const gate = new CommandGate(scene.ports, false);
  assert.deepEqual([await gate.start("sh"), await gate.output("cat")], [undefined, undefined]);
  assert.deepEqual([scene.commands, scene.pings, scene.isHeard], [[], 0, false]);
});

test("What sshd announces is waited for once, and then the commands run.", async () => {
  const scene = new Scene();
  const gate = new CommandGate(scene.ports, true);
  const first = gate.output("one");
  const second = gate.start("two");
  assert.deepEqual([scene.commands, scene.pings], [[], 1]);
  scene.says(plain);
  scene.answer();
  assert.equal(await first, "");
  assert.notEqual(await second, undefined);
  await gate.output("three");
  assert.deepEqual([scene.commands, scene.pings], [["one", "two", "three"], 1]);
});

test("A key with a forced command that is announced after the login fires nothing.", async () => {
  const scene = new Scene();
  const gate = new CommandGate(scene.ports, true);
  const asked = gate.start("sh");
  scene.says(plain);
  scene.says(forced);
  scene.answer();
  assert.equal(await asked, undefined);
  assert.equal(await gate.output("cat"), undefined);
  assert.deepEqual(scene.commands, []);
});

test("A server that answers no round trip, or is gone, is asked nothing.", async () => {
  const scene = new Scene();
  assert.equal(await new CommandGate(scene.ports, true).start("sh", 10), undefined);
  const gone = new Scene();
  gone.isGone = true;
  assert.equal(await new CommandGate(gone.ports, true).output("sh"), undefined);
  assert.deepEqual([scene.commands, gone.commands], [[], []]);
});

test("A folder that is called command is no forced command, and where there is a doubt nothing runs.", async () => {
  for (const [text, runs] of [
    [plain, true],
    [forced, false],
    ["key options: command", true],
    ["/home/command/authorized_keys:2: key options: port-forwarding", true],
    ["/home/a/authorized_keys:2: key options: no-command-here", false],
    ["cert: key options: command", false],
    ["Forced command.", true],
    [": key options:".repeat(2300) + forced, true],
  ] as const) {
    const scene = new Scene();
    const gate = new CommandGate(scene.ports, true);
    scene.says(text);
    const asked = gate.output("cat");
    scene.answer();
    assert.equal((await asked) !== undefined, runs, text);
  }
});

test("Only the gate itself reaches for the server's shell.", () => {
  const importers = sourceFiles("src")
    .filter(({ text }) => text.includes('/server-shell.ts"'))
    .map(({ path }) => path);
  assert.deepEqual(importers, ["src/ssh/channel/command-gate.ts"]);
});
