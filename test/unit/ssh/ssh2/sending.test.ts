import assert from "node:assert/strict";
import { test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { Sending, sendPayload } from "../../../../src/ssh/ssh2/sending.ts";
import { answerKinds, lateKinds, type ProtocolView, type SendKind } from "../../../../src/ssh/ssh2/view.ts";
import { viewOf } from "../../../../src/ssh/ssh2/view-check.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";
import { notOnDeno, titled } from "../../../kit/runtime.ts";
import { serverView } from "../../../kit/ssh2-server-view.ts";
import { Waiting } from "../../../kit/waiting.ts";

const timeout = 30_000;
const noCompression = notOnDeno("ssh2's compression needs the inside of Node's own zlib");
const kinds = [...new Set<SendKind>([...answerKinds, ...lateKinds])];

/** A protocol that writes down what would be sent. */
function played() {
  const story: string[] = [];
  const protocol = {
    ...Object.fromEntries(
      kinds.map((kind) => [kind, (...words: unknown[]) => void story.push([kind, ...words].join(" "))]),
    ),
    _destruct: (() => {}) as unknown,
    _kexinit: undefined as Buffer | undefined,
    _queue: undefined as Uint8Array[] | undefined,
    _packetRW: {
      write: {
        allocStart: 5,
        alloc: (bytes: number) => new Uint8Array(5 + bytes + 4),
        finalize: (packet: Uint8Array) => packet,
      },
    },
    _cipher: { encrypt: (packet: Uint8Array) => void story.push(`encrypt ${packet.join(" ")}`) },
  };
  const view = protocol as Partial<ProtocolView> as ProtocolView;
  const sending = new Sending(view);
  const sends = view as unknown as Record<string, (...words: unknown[]) => void>;
  return { story, protocol, view, sending, send: (kind: string, ...words: unknown[]) => sends[kind]?.(...words) };
}

test("All is sent as it was given, whether or not somebody counts.", () => {
  const { story, send } = played();
  for (const kind of kinds) send(kind, 1, "two");
  assert.deepEqual(
    story,
    kinds.map((kind) => `${kind} 1 two`),
  );
});

test("What is sent because the server sent something passes whoever counts, once each, and nothing else does.", () => {
  const { story, sending, send } = played();
  sending.onAnswer((answer) => {
    const { length } = story;
    story.push("before");
    answer();
    story.push("after");
    assert.equal(story.length, length + 3, "one message between the two");
  });
  for (const kind of kinds) {
    story.length = 0;
    send(kind, 7);
    const isAnswer = (answerKinds as readonly string[]).includes(kind);
    assert.deepEqual(story, isAnswer ? ["before", `${kind} 7`, "after"] : [`${kind} 7`], kind);
  }
});

test("After the end nothing is sent, and nobody is asked to count it.", () => {
  const { story, protocol, sending, send } = played();
  sending.onAnswer(() => assert.fail("it is not sent"));
  protocol._destruct = undefined;
  for (const kind of kinds) send(kind, 7);
  assert.deepEqual(story, []);
});

test("SSH_MSG_IGNORE has no content; it is not sent while keys are exchanged, nor after the end.", () => {
  const { story, protocol, sending } = played();
  sending.ignore();
  const packet = "encrypt 0 0 0 0 0 2 0 0 0 0 0 0 0 0";
  assert.deepEqual(story, [packet]);
  protocol._kexinit = Buffer.alloc(1);
  sending.ignore();
  assert.deepEqual([story.length, protocol._queue], [1, undefined]);
  protocol._kexinit = undefined;
  protocol._destruct = undefined;
  sending.ignore();
  assert.deepEqual(story, [packet]);
});

test("A key exchange holds back, in order; whether it does can be asked.", () => {
  const { story, protocol, view, sending } = played();
  assert.equal(sending.isHolding, false);
  protocol._kexinit = Buffer.alloc(1);
  const { write } = protocol._packetRW;
  write.allocStart = 0;
  write.alloc = (bytes) => new Uint8Array(bytes);
  for (const byte of [80, 81]) sendPayload(view, Uint8Array.of(byte, 1));
  assert.equal(sending.isHolding, true);
  assert.deepEqual(protocol._queue, [Uint8Array.of(80, 1), Uint8Array.of(81, 1)]);
  assert.deepEqual(story, []);
});

/** SSH_MSG_GLOBAL_REQUEST that wants no answer. */
const request = (name: string) => Buffer.concat([Buffer.of(80), writeStrings(name), Buffer.of(0)]);

for (const [what, compress, skip] of [
  ["in the clear", "none", false],
  ["with compression, where the packet is the payload alone", "zlib", noCompression],
] as const) {
  const title = `A payload comes as it was sent, at once and behind a key exchange that held it back: ${what}.`;
  test(titled(title, skip), { timeout, skip }, async () => {
    const heard: string[] = [];
    const waiting = new Waiting();
    await using pair = await ChannelPair.open({ algorithms: { compress: [compress] } });
    for (const name of ["at-once@x", "held@x", "after@x"]) {
      pair.ports.onGlobalRequest(name, () => {
        heard.push(name);
        waiting.change();
      });
    }
    // Both ends have the same protocol, and it is the client here that tells what has come.
    const { _protocol: protocol } = serverView(pair.connection);
    sendPayload(protocol, request("at-once@x"));
    await waiting.until("the first", () => heard[0]);
    const rekeyed = new Promise<void>((resolve) => pair.connection.rekey(resolve));
    const queued = protocol._queue?.length;
    sendPayload(protocol, request("held@x"));
    assert.deepEqual([queued, protocol._queue?.length], [0, 1]);
    await rekeyed;
    sendPayload(protocol, request("after@x"));
    await waiting.until("all three", () => heard[2]);
    assert.deepEqual(heard, ["at-once@x", "held@x", "after@x"]);
  });
}

const late = "When the connection has ended what the channels still have to say goes nowhere, and throws nothing.";
test(titled(late, noCompression), { timeout, skip: noCompression }, async () => {
  await using pair = await ChannelPair.open({ algorithms: { compress: ["zlib"] } });
  const { near } = await pair.channel();
  const { _protocol: protocol } = viewOf(pair.client);
  (protocol as ProtocolView & { cleanup(): void }).cleanup();
  near.write("too late");
  near.end();
  near.close();
  pair.ports.sendIgnore();
  await pair.break();
});
