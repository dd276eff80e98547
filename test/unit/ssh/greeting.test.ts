import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { FirstWords, hearGreeting, serverWords } from "../../../src/ssh/greeting.ts";

/** All that was asked for with queueMicrotask before has run. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("The first words are kept as they come, byte for byte.", () => {
  const stream = new PassThrough();
  const words = new FirstWords(stream);
  assert.equal(words.text, "");
  stream.emit("data", Buffer.from("HTTP/1.1 400 Bad"));
  stream.emit("data", Buffer.from([0x20, 0xff, 0x00]));
  assert.equal(words.text, "HTTP/1.1 400 Bad \u00ff\u0000");
});

for (const sizes of [[1024], [1023, 1], [1023, 100], [1, 1, 1100], [10_000]]) {
  test(`No more than 1024 bytes are kept, and then nobody listens: pieces of ${sizes.join(", ")}.`, () => {
    const stream = new PassThrough();
    const words = new FirstWords(stream);
    for (const size of sizes) {
      assert.equal(stream.listenerCount("data"), 1);
      stream.emit("data", Buffer.alloc(size, "x"));
    }
    assert.equal(words.text, "x".repeat(1024));
    assert.equal(stream.listenerCount("data"), 0);
  });
}

test("Lines are told from the identification, which is the first line that begins like one.", () => {
  for (const [heard, lines, identification] of [
    ["", [], undefined],
    ["\r\n\n  \r\n", [], undefined],
    ["one\r\n\r\ntwo\nSSH-2.0-x\r\n\0\0", ["one", "two"], "SSH-2.0-x"],
    ["SSH-1.5-old\nSSH-2.0-x\n", [], "SSH-1.5-old"],
    ["not SSH-2.0-x", ["not SSH-2.0-x"], undefined],
    ["SSH-2.0-cut", [], "SSH-2.0-cut"],
  ] as const) {
    assert.deepEqual(serverWords(heard), { lines, identification }, heard);
  }
});

test("Once it is stopped it keeps what it has, and hears no more.", () => {
  const stream = new PassThrough();
  const words = new FirstWords(stream);
  stream.emit("data", Buffer.from("SSH-2.0-x\r\n"));
  words.stop();
  words.stop();
  stream.emit("data", Buffer.from("more"));
  assert.equal(words.text, "SSH-2.0-x\r\n");
});

/** A server whose identification ssh2 has read as soon as a chunk has an end of line. */
function greeted() {
  const stream = new PassThrough();
  const told: string[] = [];
  let software = "";
  hearGreeting(
    stream,
    () => software,
    (text) => told.push(text),
  );
  // ssh2's own listener, which comes later.
  stream.on("data", (chunk: Uint8Array) => {
    if (String(chunk).endsWith("\n")) software = "OpenSSH_9.2p1";
  });
  return { stream, told };
}

test("The server's software is told once, in the turn of the chunk with which it was known.", async () => {
  const { stream, told } = greeted();
  stream.emit("data", Buffer.from("SSH-2.0-Open"));
  await turn();
  assert.deepEqual(told, []);
  stream.emit("data", Buffer.from("SSH_9.2p1\r\n"));
  await Promise.resolve();
  assert.deepEqual(told, ["OpenSSH_9.2p1"]);
  assert.equal(stream.listenerCount("data"), 1, "ssh2's own");
  stream.emit("data", Buffer.from("more\n"));
  await turn();
  assert.deepEqual(told, ["OpenSSH_9.2p1"]);
});

test("Two chunks in one turn are one greeting.", async () => {
  const { stream, told } = greeted();
  stream.emit("data", Buffer.from("SSH-2.0-OpenSSH_9.2p1\r\n"));
  stream.emit("data", Buffer.from("\0"));
  await turn();
  assert.deepEqual(told, ["OpenSSH_9.2p1"]);
});
