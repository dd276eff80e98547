import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection, ServerChannel } from "ssh2";
import { PorthopError } from "../../../../src/errors.ts";
import type { CommandOutput } from "../../../../src/ssh/channel/remote-command.ts";
import { CommandPair, plain } from "../../../kit/command-pair.ts";
import { randomBytes, sha256 } from "../../../kit/random.ts";
import { serverChannelView, serverView } from "../../../kit/ssh2-server-view.ts";

async function running() {
  const pair = await CommandPair.open();
  const command = await (await pair.channel()).start(plain, () => assert.fail());
  return { pair, command, far: await pair.far(), [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

async function all(output: CommandOutput): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await output.read(); chunk !== undefined; chunk = await output.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// One at a time: ssh2's server mixes the two up when both wait for the window.
for (const name of ["stdout", "stderr"] as const) {
  test(`${name} comes whole, by itself, and before the end with its exit code.`, async () => {
    await using run = await running();
    const content = randomBytes(5_000_000);
    const far = name === "stdout" ? run.far : run.far.stderr;
    far.write(content, () => {
      run.far.exit(7);
      run.far.end();
    });
    const [stdout, stderr] = await Promise.all([all(run.command.stdout), all(run.command.stderr)]);
    const [full, empty] = name === "stdout" ? [stdout, stderr] : [stderr, stdout];
    assert.deepEqual([sha256(full), empty.length], [sha256(content), 0]);
    assert.deepEqual(await run.command.ended, { how: "exit", code: 7 });
  });
}

test("A signal is told by its name.", async () => {
  await using run = await running();
  run.far.exit("TERM", false, "");
  run.far.end();
  assert.deepEqual(await run.command.ended, { how: "signal", signal: "SIGTERM" });
});

test("Of several exit codes the last one counts, and a code beside a signal, as with ssh.", async () => {
  for (const [ends, expected] of [
    [[3, 4], { how: "exit", code: 4 }],
    [[3, 0], { how: "exit", code: 0 }],
    [["TERM", 5], { how: "exit", code: 5 }],
    [[5, "TERM"], { how: "exit", code: 5 }],
    [["TERM", "KILL"], { how: "signal", signal: "SIGKILL" }],
  ] as const) {
    await using run = await running();
    for (const end of ends) {
      if (typeof end === "number") run.far.exit(end);
      else run.far.exit(end, false, "");
    }
    run.far.end();
    assert.deepEqual(await run.command.ended, expected);
  }
});

test("An end without an exit code is told as such.", async () => {
  await using run = await running();
  run.far.close();
  assert.deepEqual(await run.command.ended, { how: "untold" });
  assert.equal(await run.command.stdout.read(), undefined);
});

test("A lost session is the end of all, and what came before can still be read.", async () => {
  await using run = await running();
  run.far.write("before");
  assert.equal(String(await run.command.stdout.read()), "before");
  run.far.write("unread");
  run.far.stderr.write("heard");
  // In the order of the session: what was written before it has come too.
  assert.equal(String(await run.command.stderr.read()), "heard");
  const reason = new PorthopError("ssh.lost", "gone");
  run.pair.goneBy = reason;
  run.command.abort(reason);
  await run.pair.pair.break();
  assert.deepEqual(await run.command.ended, { how: "lost", reason });
  assert.equal(String(await run.command.stdout.read()), "unread");
  assert.equal(await run.command.stdout.read(), undefined);
  await assert.rejects(run.command.write(Buffer.from("x")), reason);
});

test("stdin goes up whole and its end is the command's, which goes on.", async () => {
  await using run = await running();
  const content = randomBytes(3_000_000);
  const chunks: Uint8Array[] = [];
  run.far.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  const ended = new Promise<void>((resolve) => run.far.on("end", () => resolve()));
  for (let at = 0; at < content.length; at += 50_000) await run.command.write(content.subarray(at, at + 50_000));
  await run.command.endInput();
  await ended;
  assert.equal(sha256(Buffer.concat(chunks)), sha256(content));
  run.far.write("still here");
  assert.equal(String(await run.command.stdout.read()), "still here");
});

test("A command that reads no more rejects what is written, and never hangs the writer.", async () => {
  await using run = await running();
  run.far.exit(0);
  run.far.end();
  await run.command.ended;
  await assert.rejects(run.command.write(Buffer.from("too late")), PorthopError);
});

test("The server may send the window's 2 MiB over both outputs together, and then what was read.", async () => {
  await using run = await running();
  const send = sender(run.pair.pair.connection, run.far);
  let columns = 0;
  /** All that was sent before has come, and what it was answered too. */
  const roundTrip = async () => {
    columns += 1;
    run.command.resize({ rows: 1, columns });
    await run.pair.asked(new RegExp(`^window 1x${columns}$`));
  };
  const sent = send();
  assert.ok(sent > 60 && sent <= 64, `${sent} blocks`);
  // Whoever reads stderr alone gets its lines, and opens the window by no more than these.
  for (let line = 0; line < sent; line++) assert.equal(String(await run.command.stderr.read()), "a line\n");
  await roundTrip();
  assert.equal(send(), 0);
  for (let block = 0; block < sent; block++) await run.command.stdout.read();
  await roundTrip();
  assert.ok(send() >= 56);
});

/** Sends blocks of stdout, with a line of stderr each, as long as the window lets it; gives how many. */
function sender(connection: Connection, far: ServerChannel): () => number {
  // ssh2's streams mix the two outputs up when both wait for the window.
  const { outgoing } = serverChannelView(far);
  const { _protocol: protocol } = serverView(connection);
  const [block, line] = [Buffer.alloc(32_768), Buffer.from("a line\n")];
  return () => {
    let sent = 0;
    for (; outgoing.window >= block.length + line.length; sent++) {
      outgoing.window -= block.length + line.length;
      protocol.channelData(outgoing.id, block);
      protocol.channelExtData(outgoing.id, line, 1);
    }
    return sent;
  };
}

test("A closed command hears the hangup.", async () => {
  await using run = await running();
  const closed = new Promise<void>((resolve) => run.far.on("close", () => resolve()));
  run.command.close();
  run.command.resize({ rows: 1, columns: 1 });
  run.far.resume();
  await closed;
  assert.deepEqual(await run.command.ended, { how: "untold" });
});
