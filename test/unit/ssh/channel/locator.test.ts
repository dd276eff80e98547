import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { Client } from "ssh2";
import type { Address } from "../../../../src/plugin.ts";
import { CommandGate } from "../../../../src/ssh/channel/command-gate.ts";
import { type Located, Locator } from "../../../../src/ssh/channel/locator.ts";
import { attach } from "../../../../src/ssh/ssh2/attach.ts";
import { ssh2 } from "../../../kit/loaded-ssh2.ts";
import { startSshServer } from "../../../kit/ssh-server.ts";

/** An exec channel whose far end is the test. */
class ScriptedChannel extends EventEmitter {
  /** The questions so far, each a port in hex. */
  readonly asked: string[] = [];
  readonly stderr = { resume() {} };
  closed = false;
  readonly #answer: (question: string) => string | undefined;

  constructor(answer: (question: string) => string | undefined) {
    super();
    this.#answer = answer;
  }

  setEncoding(): void {}
  resume(): void {}
  end(): void {}

  write(question: string): void {
    this.asked.push(question.trim());
    const answer = this.#answer(question.trim());
    if (answer !== undefined) this.say(answer);
  }

  /** As from the network: later, not within the call that asked. */
  say(text: string): void {
    setImmediate(() => this.emit("data", text));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    setImmediate(() => this.emit("close"));
  }
}

type Exec = (done: (error: Error | undefined, channel?: unknown) => void) => void;

/** The open gate to a server that announces nothing, answers at once and runs one command. */
function gateTo(exec: Exec): CommandGate {
  const client = { exec: (_command: string, done: Parameters<Exec>[0]) => exec(done) } as Client;
  return new CommandGate({ client, onDebug: () => {}, ping: async () => {} }, true);
}

interface Script {
  /** What comes before the first dot. */
  readonly greeting?: string;
  readonly timeoutMs?: number;
  /** What is asked about when the locator starts; none, unless a test wants to. */
  readonly startPorts?: readonly number[];
}

/** A locator whose server answers every question with what `table` gives then. */
async function started(table: () => readonly string[] | undefined, script: Script = {}) {
  const channel = new ScriptedChannel(() => {
    const lines = table();
    return lines === undefined ? undefined : [...lines, ".\n"].join("\n");
  });
  const { greeting = "1000\n", timeoutMs = 5000, startPorts = [] } = script;
  const gate = gateTo((done) => {
    done(undefined, channel);
    channel.say(`${greeting}.\n`);
  });
  const locator = new Locator(gate, timeoutMs);
  await locator.start(startPorts);
  return { channel, locator };
}

/** Dials and asks, as for one flow at a time. */
async function locate(locator: Locator, target: Address): Promise<Located | undefined> {
  const dialing = locator.dialing(target);
  dialing.done();
  return await dialing.locate();
}

interface RowFacts {
  readonly from?: string;
  readonly state?: string;
  readonly uid?: number;
  readonly inode?: number;
}

/** `10.0.0.2:PORT -> to`, as Linux prints it. */
function row(
  port: number,
  { from = "0200000A", state = "01", uid = 1000, inode = 5000 + port }: RowFacts = {},
  to = "0300000A:1538",
): string {
  const end = `${from}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return `  1: ${end} ${to} ${state} 00000000:00000000 00:00000000 00000000  ${uid}  0 ${inode} 1 0000 20 4 30 10 -1`;
}

const target = { host: "10.0.0.3", port: 5432 };

/** What is found for a connection from this port of the server. */
function from(port: number): Located {
  return { from: { host: "10.0.0.2", port }, to: target };
}

test("The one new row is the connection: its local end is where sshd dialed from.", async () => {
  const { locator, channel } = await started(() => [row(40_001)]);
  assert.deepEqual(await locate(locator, target), from(40_001));
  assert.deepEqual(channel.asked, ["1538"]);
});

test("Connections that were there at the start are other programs' and are never taken.", async () => {
  const lines = [row(40_001), row(40_002)];
  const { locator, channel } = await started(() => lines, { startPorts: [5432, 5432, 80] });
  assert.deepEqual(channel.asked, ["1538", "0050"]);
  lines.push(row(40_003));
  assert.deepEqual(await locate(locator, target), from(40_003));
});

test("Each connection is found once: the next flow gets the next one.", async () => {
  const lines: string[] = [];
  const { locator } = await started(() => lines);
  for (const port of [40_001, 40_002, 40_003]) {
    lines.push(row(port));
    assert.deepEqual(await locate(locator, target), from(port));
  }
  assert.equal(await locate(locator, target), undefined);
});

test("Two new rows are a doubt, and a doubt is unknown.", async () => {
  const { locator } = await started(() => [row(40_001), row(40_002)]);
  assert.equal(await locate(locator, target), undefined);
});

test("No new row is unknown.", async () => {
  const { locator } = await started(() => []);
  assert.equal(await locate(locator, target), undefined);
});

test("Rows of other targets, of other users and of the other direction are not the connection.", async () => {
  const lines = [
    row(40_001, {}, "0400000A:1538"),
    row(40_002, {}, "0300000A:1539"),
    row(40_003, { uid: 999 }),
    // Somebody's connection to port 5432 of the server itself.
    row(5432, { from: "0300000A" }, "0900000A:9999"),
  ];
  const { locator } = await started(() => lines);
  assert.equal(await locate(locator, target), undefined);
  lines.push(row(40_004));
  assert.deepEqual(await locate(locator, target), from(40_004));
});

test("A target that is a name is any host on that port.", async () => {
  const { locator } = await started(() => [row(40_001)]);
  assert.deepEqual(await locate(locator, { host: "db.internal", port: 5432 }), from(40_001));
});

for (const [host, to, shown] of [
  ["::ffff:10.0.0.3", "0300000A:1538", "10.0.0.3"],
  ["2001:DB8:0:0::1", "B80D0120000000000000000001000000:1538", "2001:db8::1"],
  ["0:0:0:0:0:0:0:1", "00000000000000000000000001000000:1538", "::1"],
] as const) {
  test(`The target ${host} is found however it is written.`, async () => {
    const ownEnd = "0".repeat(24);
    const { locator } = await started(() => [row(40_001, to.length > 20 ? { from: `${ownEnd}01000000` } : {}, to)]);
    assert.deepEqual((await locate(locator, { host, port: 5432 }))?.to, { host: shown, port: 5432 });
  });
}

test("As root the rows of sshd's own process count, and no others.", async () => {
  const lines = [row(40_001, { uid: 0 }), row(40_002, { uid: 0, inode: 777 }), "socket:[777]"];
  const { locator } = await started(() => lines, { greeting: "0\n" });
  assert.deepEqual(await locate(locator, target), from(40_002));
  // The next connection is gone already, and somebody else's is new: that one is not ours.
  lines.push(row(40_003, { uid: 0 }));
  assert.equal(await locate(locator, target), undefined);
});

test("Sockets of a login shell that stands between do not hide sshd's: then the user counts.", async () => {
  const { locator } = await started(() => ["socket:[1]", "socket:[2]", row(40_001)]);
  assert.deepEqual(await locate(locator, target), from(40_001));
});

for (const [state, name] of [
  ["06", "TIME-WAIT"],
  ["08", "CLOSE-WAIT"],
] as const) {
  test(`A connection that is over already is found by what is left of it (${name}).`, async () => {
    const { locator } = await started(() => [row(40_001, { state, uid: 0, inode: 0 })]);
    assert.deepEqual(await locate(locator, target), from(40_001));
  });
}

test("On the server itself a closing connection shows both its ends, or the target's alone: it is one connection.", async () => {
  const local = { host: "127.0.0.1", port: 5432 };
  const near = row(40_001, { from: "0100007F", state: "05", inode: 0 }, "0100007F:1538");
  const far = row(5432, { from: "0100007F", state: "06", inode: 0 }, "0100007F:9C41");
  for (const lines of [[near, far], [far]]) {
    const { locator } = await started(() => lines);
    assert.deepEqual(await locate(locator, local), { from: { host: "127.0.0.1", port: 40_001 }, to: local });
  }
});

test("What is left of an older connection is not the next one, even when the next uses its port again.", async () => {
  const lines = [row(40_001)];
  const { locator } = await started(() => lines);
  await locate(locator, target);
  lines[0] = row(40_001, { state: "06", uid: 0, inode: 0 });
  assert.equal(await locate(locator, target), undefined);
  lines[0] = row(40_001, { inode: 9999 });
  assert.deepEqual(await locate(locator, target), from(40_001));
});

test("A row that is still there is never forgotten, however many others come and go.", async () => {
  const old = row(1, { inode: 1 });
  let next = 2;
  const table = (count: number) => {
    const lines = [old];
    for (let index = 0; index < count; index++, next++) lines.push(row(1024 + (next % 60_000), { inode: next }));
    return lines;
  };
  let lines = table(0);
  const { locator } = await started(() => lines, { startPorts: [5432] });
  for (let round = 0; round < 12; round++) {
    lines = table(3000);
    await locate(locator, target);
  }
  lines = [old, row(65_000, { inode: next })];
  assert.deepEqual(await locate(locator, target), from(65_000));
});

test("While another flow to the same port is under way, one new row may be either's: it is unknown whose.", async () => {
  const { locator } = await started(() => [row(40_001), row(40_002, { state: "06", inode: 0 })]);
  const other = locator.dialing(target);
  assert.equal(await locate(locator, target), undefined);
  other.done();
});

test("Of two flows that were dialed at once, what one was told is not told to the other.", async () => {
  const lines = [row(40_001)];
  const { locator } = await started(() => lines);
  const [first, second] = [locator.dialing(target), locator.dialing(target)];
  first.done();
  assert.deepEqual(await first.locate(), from(40_001));
  lines.push(row(40_002));
  second.done();
  assert.deepEqual(await second.locate(), from(40_002));
});

test("A unix socket has no row, and before the start nothing is known: neither is asked about.", async () => {
  const { locator, channel } = await started(() => [row(40_001)]);
  assert.equal(await locate(locator, { path: "/run/db.sock" }), undefined);
  assert.deepEqual(channel.asked, []);
  const unstarted = new Locator(gateTo(() => assert.fail("no command is run")));
  assert.equal(await locate(unstarted, target), undefined);
  await unstarted.idle();
});

test("A shell that prints a banner, with carriage returns and in pieces, is understood.", async () => {
  const channel = new ScriptedChannel(() => {
    for (const piece of ["You have mail.\r\n", row(40_001).slice(0, 30), row(40_001).slice(30), "\r", "\n.", "\r\n"])
      channel.say(piece);
    return undefined;
  });
  const gate = gateTo((done) => {
    done(undefined, channel);
    for (const piece of ["Welcome!\r\nLast login: yesterday.\r", "\n10", "00\r\n", ".", "\r\n"]) channel.say(piece);
  });
  const locator = new Locator(gate, 5000);
  await locator.start([]);
  assert.deepEqual(await locate(locator, target), from(40_001));
});

test("Answers belong to their questions, in order, when several are asked at once.", async () => {
  const channel = new ScriptedChannel(() => undefined);
  const gate = gateTo((done) => {
    done(undefined, channel);
    channel.say("1000\n.\n");
  });
  const locator = new Locator(gate, 5000);
  await locator.start([]);
  const other = { host: "10.0.0.3", port: 80 };
  const found = [locate(locator, target), locate(locator, other)];
  while (channel.asked.length < 2) await turn();
  channel.say(`${row(40_001)}\n.\n${row(40_002, {}, "0300000A:0050")}\n.\n`);
  const [first, second] = await Promise.all(found);
  assert.deepEqual([first, second], [from(40_001), { from: { host: "10.0.0.2", port: 40_002 }, to: other }]);
});

for (const greeting of [
  "",
  "Welcome!\n",
  "-1\n",
  "0x10\n",
  "1e3\n",
  "12345678901\n",
  "this account is not available\n",
]) {
  test(`A shell that does not say who it is (${JSON.stringify(greeting)}) is closed, and everything is unknown.`, async () => {
    const { locator, channel } = await started(() => [row(40_001)], { greeting });
    assert.equal(channel.closed, true);
    assert.equal(await locate(locator, target), undefined);
    assert.deepEqual(channel.asked, []);
  });
}

test("A server that refuses the command costs the addresses only.", async () => {
  const refusing = gateTo((done) => done(new Error("(SSH) Channel open failure")));
  const throwing = gateTo(() => {
    throw new Error("Not connected");
  });
  for (const gate of [refusing, throwing]) {
    const locator = new Locator(gate, 5000);
    await locator.start([5432]);
    assert.equal(await locate(locator, target), undefined);
  }
});

test("A server that never answers the request is not waited for, and its late channel is closed.", async () => {
  let answer: Parameters<Exec>[0] = () => assert.fail("the command was never asked for");
  const locator = new Locator(
    gateTo((done) => {
      answer = done;
    }),
    20,
  );
  await locator.start([5432]);
  assert.equal(await locate(locator, target), undefined);
  const late = new ScriptedChannel(() => undefined);
  answer(undefined, late);
  assert.equal(late.closed, true);
});

test("A shell that never says a word is given up.", async () => {
  const channel = new ScriptedChannel(() => undefined);
  const locator = new Locator(
    gateTo((done) => done(undefined, channel)),
    20,
  );
  await locator.start([5432]);
  assert.equal(channel.closed, true);
  assert.equal(await locate(locator, target), undefined);
});

test("An answer that does not come is unknown, and none that comes late is taken for the next.", async () => {
  const { locator, channel } = await started(() => undefined, { timeoutMs: 20 });
  assert.equal(await locate(locator, target), undefined);
  await locator.idle();
  channel.say(`${row(40_001)}\n.\n`);
  assert.equal(await locate(locator, target), undefined);
  assert.deepEqual([channel.closed, channel.asked], [true, ["1538"]], "nothing is asked of a shell that was given up");
});

test("A shell that ends while it is asked is unknown at once.", async () => {
  const { locator, channel } = await started(() => {
    setImmediate(() => channel.emit("close"));
    return undefined;
  });
  assert.equal(await locate(locator, target), undefined);
  assert.equal(await locate(locator, target), undefined);
  assert.equal(channel.asked.length, 1);
});

test("An error of the channel is the end of the shell, not of the program.", async () => {
  const { locator, channel } = await started(() => [row(40_001)]);
  channel.emit("error", new Error("write after end"));
  assert.equal(await locate(locator, target), undefined);
});

test("Endless output without an answer is given up after a megabyte, and not kept.", async () => {
  let said = 0;
  const { locator, channel } = await started(() => {
    const more = () => {
      if (channel.closed || said > 64) return;
      said += 1;
      channel.emit("data", "x".repeat(65_536));
      setImmediate(more);
    };
    setImmediate(more);
    return undefined;
  });
  assert.equal(await locate(locator, target), undefined);
  assert.equal(channel.closed, true);
  assert.ok(said >= 16 && said <= 18, `${said} chunks of 64 KiB were taken`);
  // It goes on though the channel was closed, with answers that nobody asked for.
  for (let count = 0; count < 100; count++) channel.emit("data", `${row(40_001)}\n.\n`);
  assert.equal(await locate(locator, target), undefined);
});

test("A megabyte in single bytes is given up just as fast.", async () => {
  const { locator, channel } = await started(() => undefined, { timeoutMs: 30_000 });
  const asked = locate(locator, target);
  await turn();
  const start = performance.now();
  for (let count = 0; !channel.closed; count++) channel.emit("data", count % 50 === 0 ? "\n" : "x");
  assert.equal(await asked, undefined);
  const ms = performance.now() - start;
  assert.ok(ms < 5000, `it took ${ms} ms`);
});

test("Output that nobody asked for is neither an answer nor kept for ever.", async () => {
  const { locator, channel } = await started(() => [row(40_001)]);
  for (let count = 0; count < 17; count++) channel.emit("data", "y".repeat(65_536));
  assert.equal(channel.closed, true);
  assert.equal(await locate(locator, target), undefined);
});

test("idle() waits for what is being asked, and for nothing else.", async () => {
  const { locator, channel } = await started(() => undefined);
  await locator.idle();
  const asked = locate(locator, target);
  await turn();
  let isIdle = false;
  const idle = locator.idle().then(() => {
    isIdle = true;
  });
  await turn();
  assert.equal(isIdle, false);
  channel.say(".\n");
  await Promise.all([asked, idle]);
});

test("A real server whose shell ends at once costs the addresses only: nothing is written into a dead channel.", async () => {
  await using server = await startSshServer({ exec: () => ({ stdout: "1000\n.\n", code: 0 }) });
  const client = new ssh2.Client();
  const ready = new Promise<void>((resolve, reject) => client.on("ready", resolve).on("error", reject));
  client.connect({ host: server.host, port: server.port, username: "anyone", password: "any" });
  const gate = new CommandGate(attach(client), true);
  await ready;
  const locator = new Locator(gate);
  await locator.start([]);
  for (let count = 0; count < 3; count++) assert.equal(await locate(locator, target), undefined);
  client.end();
  await new Promise<void>((resolve) => client.on("close", () => resolve()));
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
