import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { test } from "node:test";
import { Output } from "../../../src/cli/output.ts";
import { runCommand, type Streams } from "../../../src/cli/remote-streams.ts";
import type { CommandSettings } from "../../../src/config/command-settings.ts";
import { PorthopError } from "../../../src/errors.ts";
import { CommandPair, plain } from "../../kit/command-pair.ts";
import { writtenBy } from "../../kit/written.ts";

const settings: CommandSettings = {
  command: "ls",
  terminal: "no",
  readsInput: true,
  escape: 0x7e,
  sendEnv: [],
  setEnv: [],
  forwardAgent: "no",
  x11: undefined,
};

class Reader extends Writable {
  text = "";
  /** Set to play a reader that stalls or is gone. */
  taking: (done: (error?: Error) => void) => void = (done) => done();

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.text += String(chunk);
    this.taking(done);
  }
}

/** A command that runs, and the process's part played by the test. */
async function scene(changes: Partial<CommandSettings> = {}) {
  const pair = await CommandPair.open();
  const command = await (await pair.channel()).start(plain, () => assert.fail());
  const [stdin, stdout, stderr] = [new PassThrough(), new Reader(), new Reader()];
  for (const reader of [stdout, stderr]) reader.on("error", () => {});
  const streams = { stdin, stdout, stderr } as unknown as Streams;
  const idle = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<PorthopError>();
  const interrupted = Promise.withResolvers<number>();
  const job = { settings: { ...settings, ...changes }, host: "vishnu" };
  const code = runCommand(
    ...([job, undefined, { idle: () => idle.promise }, { command, lost: lost.promise }] as const),
    ...([interrupted.promise, new Output("warn"), streams] as const),
  );
  const far = await pair.far();
  const end = (exitCode: number) => {
    far.exit(exitCode);
    far.end();
  };
  const all = { pair, far, end, code, stdin, stdout, stderr, idle, lost, interrupted };
  return { ...all, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

test("The exit code comes when the output is out and no connection is open.", async () => {
  await using it = await scene();
  const release = Promise.withResolvers<void>();
  it.stdout.taking = (done) => void release.promise.then(() => done());
  it.far.resume();
  it.far.write("late");
  it.end(7);
  let isOver = false;
  const code = it.code.then((value) => {
    isOver = true;
    return value;
  });
  it.idle.resolve();
  // A stalled reader has what was written and has not taken it yet.
  await new Promise((resolve) => it.far.on("close", resolve));
  assert.equal(isOver, false);
  release.resolve();
  assert.equal(await code, 7);
  assert.equal(it.stdout.text, "late");
});

test("stdin goes to the command, and its end is the command's.", async () => {
  await using it = await scene();
  it.stdin.write("one ");
  it.stdin.end("two");
  let heard = "";
  it.far.on("data", (chunk: Uint8Array) => {
    heard += String(chunk);
  });
  await new Promise<void>((resolve) => it.far.on("end", () => resolve()));
  assert.equal(heard, "one two");
  it.far.stderr.write("heard");
  it.end(0);
  it.idle.resolve();
  assert.equal(await it.code, 0);
  assert.equal(it.stderr.text, "heard");
});

test("A command that reads no stdin finds its end at once.", async () => {
  await using it = await scene({ readsInput: false });
  it.stdin.write("secret");
  it.far.resume();
  await new Promise<void>((resolve) => it.far.on("end", () => resolve()));
  assert.equal(it.stdin.readableLength, 6);
  it.end(0);
  it.idle.resolve();
  assert.equal(await it.code, 0);
});

test("Ctrl-C gives 130, another signal 255, and the command is hung up.", async () => {
  for (const [asked, code] of [
    [130, 130],
    [0, 255],
  ] as const) {
    await using it = await scene();
    const closed = new Promise<void>((resolve) => it.far.on("close", () => resolve()));
    it.far.resume();
    const { stderr } = await writtenBy(async () => {
      it.interrupted.resolve(asked);
      assert.equal(await it.code, code);
      await closed;
    });
    assert.equal(stderr, "");
  }
});

test("A session that is lost while connections are still open gives 255, whatever the command gave.", async () => {
  await using it = await scene();
  it.end(0);
  it.lost.resolve(new PorthopError("ssh.lost", "gone"));
  assert.equal(await it.code, 255);
});

for (const [what, finish, told] of [
  ["A signal", (far: CommandFar) => far.exit("KILL", false, ""), "porthop: the command was ended by SIGKILL\n"],
  ["An end without a code", () => {}, "porthop: the server closed the command's channel and told no exit code\n"],
] as const) {
  test(`${what} gives 255 and is told.`, async () => {
    await using it = await scene();
    const { stderr } = await writtenBy(async () => {
      finish(it.far);
      it.far.end();
      it.idle.resolve();
      assert.equal(await it.code, 255);
    });
    assert.equal(stderr, told);
  });
}

test("A reader of stdout that is gone ends the command, without a word.", async () => {
  await using it = await scene();
  it.stdout.taking = (done) => done(new Error("EPIPE"));
  const { stderr } = await writtenBy(async () => {
    it.far.write("unread");
    it.far.resume();
    it.idle.resolve();
    assert.equal(await it.code, 255);
  });
  assert.equal(stderr, "");
});

type CommandFar = Awaited<ReturnType<CommandPair["far"]>>;
