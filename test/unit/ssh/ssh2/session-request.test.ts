import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientChannel } from "ssh2";
import { sendPayload } from "../../../../src/ssh/ssh2/sending.ts";
import { openSession, resizeTerminal } from "../../../../src/ssh/ssh2/session-request.ts";
import type { ClientView } from "../../../../src/ssh/ssh2/view.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";
import { notOnDeno, titled } from "../../../kit/runtime.ts";
import { serverView, watchMessages } from "../../../kit/ssh2-server-view.ts";
import { Waiting } from "../../../kit/waiting.ts";

const timeout = 30_000;

/** A session's server that notes what it is asked for; some of it it refuses, some it does not answer. */
async function scene(
  refused: readonly string[] = [],
  silent: readonly string[] = [],
  algorithms: NonNullable<Parameters<typeof ChannelPair.open>[0]>["algorithms"] = {},
) {
  const pair = await ChannelPair.open({ algorithms });
  const asked: string[] = [];
  const waiting = new Waiting();
  pair.connection.on("session", (accept) => {
    const session: AnyRequest = accept();
    for (const kind of ["env", "pty", "x11", "auth-agent", "exec", "shell", "window-change"]) {
      session.on(kind, (yes, no, info) => {
        asked.push(`${kind}${yes === undefined ? " unanswered" : ""} ${JSON.stringify(info ?? {}, bytesAsText)}`);
        if (refused.includes(kind)) no?.();
        else if (!silent.includes(kind)) yes?.();
        waiting.change();
      });
    }
  });
  const { ports } = pair;
  const open = () =>
    new Promise<ClientChannel>((resolve, reject) => {
      ports.openSession((error, channel) => (error === undefined ? resolve(channel) : reject(error)));
    });
  const noted = (count: number) =>
    waiting.until(`${count} requests`, () => (asked.length >= count ? asked : undefined));
  return { pair, ports, asked, open, noted, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

interface AnyRequest {
  on(
    kind: string,
    listener: (yes: (() => unknown) | undefined, no: (() => void) | undefined, info: unknown) => void,
  ): unknown;
}

function bytesAsText(_key: string, value: unknown): unknown {
  const isBytes = typeof value === "object" && value !== null && "data" in value && Array.isArray(value.data);
  return isBytes ? String(Buffer.from(value.data as number[])) : value;
}

/** Each with what is answered to it, in the order in which the answers come. */
function askAll(
  { ports }: Awaited<ReturnType<typeof scene>>,
  channel: ClientChannel,
): { readonly answers: string[]; readonly all: Promise<void> } {
  const answers: string[] = [];
  const done = Promise.withResolvers<void>();
  const answered = (what: string) => (isRefused: boolean) => {
    answers.push(`${what} ${isRefused ? "refused" : "granted"}`);
    if (answers.length === 4) done.resolve();
  };
  const requests = ports.requestsOn(channel);
  requests?.environment("LANG", "C");
  requests?.terminal({ rows: 24, columns: 80 }, "xterm", Buffer.from([0]), answered("pty"));
  requests?.x11({ protocol: "MIT-MAGIC-COOKIE-1", cookie: "ab".repeat(16), screen: 1 }, answered("x11"));
  requests?.agent(answered("agent"));
  requests?.run("ls -l", answered("exec"));
  return { answers, all: done.promise };
}

test("Each request goes out when it is called, with all that belongs to it, and the answers come in that order.", {
  timeout,
}, async () => {
  await using all = await scene();
  const { answers, all: answered } = askAll(all, await all.open());
  await answered;
  assert.deepEqual(answers, ["pty granted", "x11 granted", "agent granted", "exec granted"]);
  assert.deepEqual(await all.noted(5), [
    'env unanswered {"key":"LANG","val":"C"}',
    'pty {"term":"xterm","cols":80,"rows":24,"width":0,"height":0,"modes":{}}',
    `x11 {"single":false,"protocol":"MIT-MAGIC-COOKIE-1","cookie":"${"ab".repeat(16)}","screen":1}`,
    "auth-agent {}",
    'exec {"command":"ls -l"}',
  ]);
});

test("What is refused is told of that request alone, and the others go on.", { timeout }, async () => {
  await using all = await scene(["x11", "auth-agent"]);
  const { answers, all: answered } = askAll(all, await all.open());
  await answered;
  assert.deepEqual(answers, ["pty granted", "x11 refused", "agent refused", "exec granted"]);
});

test("Without a command there is a shell, and its terminal gets another size for as long as it lives.", {
  timeout,
}, async () => {
  await using all = await scene();
  const channel = await all.open();
  const isRefused = await new Promise<boolean>((resolve) => all.ports.requestsOn(channel)?.run(undefined, resolve));
  assert.equal(isRefused, false);
  resizeTerminal(channel, { rows: 50, columns: 132 });
  assert.deepEqual(await all.noted(2), [
    "shell {}",
    'window-change unanswered {"cols":132,"rows":50,"width":0,"height":0}',
  ]);
  let requests = 0;
  watchMessages(all.pair.connection, "CHANNEL_REQUEST", () => requests++);
  channel.close();
  resizeTerminal(channel, { rows: 1, columns: 1 });
  await all.ports.ping();
  assert.equal(requests, 0);
});

test("A server that closes the channel refuses all that waits there, and nothing more can be asked for.", {
  timeout,
}, async () => {
  await using all = await scene([], ["auth-agent", "exec"]);
  const channel = await all.open();
  const { answers } = askAll(all, channel);
  const closed = new Promise<void>((resolve) => channel.once("close", resolve));
  await all.noted(5);
  // SSH_MSG_CHANNEL_CLOSE of the first channel that we know.
  sendPayload(serverView(all.pair.connection)._protocol, Buffer.from([97, 0, 0, 0, 0]));
  channel.resume();
  await closed;
  assert.deepEqual(answers, ["pty granted", "x11 granted", "agent refused", "exec refused"]);
  assert.equal(all.ports.requestsOn(channel), undefined);
});

test("A server that opens no session says why.", { timeout }, async () => {
  await using pair = await ChannelPair.open();
  const error = await new Promise<Error | undefined>((resolve) => pair.ports.openSession(resolve));
  assert.match(error?.message ?? "", /Channel open failure/);
  assert.equal(pair.held, 0);
});

test("Where there is no number left for a channel, none is asked for.", () => {
  const told: (string | undefined)[] = [];
  const protocol: Partial<ClientView["_protocol"]> = { session: () => assert.fail("it was asked for") };
  const view: Partial<ClientView> = {
    _chanMgr: { get: () => undefined, add: () => -1 },
    _protocol: protocol as never,
  };
  openSession(view as ClientView, (error) => told.push(error?.message));
  assert.deepEqual(told, ["no free channels"]);
});

const noCompression = notOnDeno("ssh2's compression needs the inside of Node's own zlib");
const late = "With compression a channel of a session that has ended is asked for nothing, and nothing is thrown.";
test(titled(late, noCompression), { timeout, skip: noCompression }, async () => {
  await using all = await scene([], [], { compress: ["zlib"] });
  const channel = await all.open();
  const answers: boolean[] = [];
  const ended = new Promise<void>((resolve) => all.pair.client.once("end", resolve));
  all.pair.connection.end();
  await ended;
  resizeTerminal(channel, { rows: 50, columns: 132 });
  all.ports.requestsOn(channel)?.agent((isRefused) => answers.push(isRefused));
  await new Promise<void>((resolve) => all.pair.client.once("close", () => setImmediate(resolve)));
  assert.deepEqual(answers, [true]);
});
