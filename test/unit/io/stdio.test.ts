import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { test } from "node:test";
import type { Inbound } from "../../../src/flow/conn.ts";
import { listenStdio, stdioConn } from "../../../src/io/stdio.ts";
import { broken, quiet } from "../../kit/carried-flow.ts";
import { refusal } from "../../kit/refusal.ts";

/** stdin and stdout, with what was written to the latter. `hold` keeps each write until it is let go. */
function streams({ hold = false } = {}) {
  const written: string[] = [];
  const held: (() => void)[] = [];
  const output = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      written.push(Buffer.from(chunk).toString());
      if (hold) held.push(() => done());
      else done();
    },
  });
  return { input: new PassThrough(), output, written, held };
}

const text = async (read: Promise<Uint8Array | undefined>) => Buffer.from((await read) ?? []).toString();

test("There is one connection at once, and its ends have no TCP addresses.", async () => {
  const inbounds: Inbound[] = [];
  const listener = listenStdio(streams(), (inbound) => void inbounds.push(inbound));
  const [inbound] = inbounds;
  const stdio = { path: "stdio" };
  assert.deepEqual([inbounds.length, listener.addresses], [1, [stdio]]);
  assert.deepEqual([inbound?.origin, inbound?.leg], [stdio, { from: stdio, to: stdio, observed: false }]);
  await listener.close();
});

test("What stdin has goes up until it ends, and answers still come out.", async () => {
  const { input, output, written } = streams();
  const conn = stdioConn({ input, output });
  input.end("a question");
  assert.equal(await text(conn.read()), "a question");
  assert.equal(await conn.read(), undefined);
  await conn.write(Buffer.from("a late answer"));
  await conn.end();
  assert.deepEqual(written, ["a late answer"]);
});

test("The target's end is the end of both halves, while stdin stays open.", async () => {
  const { input, output } = streams();
  const conn = stdioConn({ input, output });
  const read = conn.read();
  await conn.end();
  assert.equal(await read, undefined);
  input.write("too late");
  assert.equal(await conn.read(), undefined);
});

test("Nothing is read from stdin before it is answered, and nothing is lost by that.", async () => {
  const { input, output } = streams();
  input.write("early");
  const inbounds: Inbound[] = [];
  listenStdio({ input, output }, (inbound) => void inbounds.push(inbound));
  await quiet();
  assert.equal(input.readableLength, 5);
  const conn = await inbounds[0]?.accept();
  assert.ok(conn !== undefined);
  assert.equal(await text(conn.read()), "early");
});

test("A reader of stdout that stalls makes the writer wait, after a bounded amount.", async () => {
  const { input, output, written, held } = streams({ hold: true });
  const conn = stdioConn({ input, output });
  const chunk = Buffer.alloc(256 * 1024, "x");
  let accepted = 0;
  const writing = (async () => {
    for (let count = 0; count < 20; count++) {
      await conn.write(chunk);
      accepted++;
    }
  })();
  await quiet();
  assert.ok(accepted < 6, `${accepted} of 20 were accepted while nothing was read`);
  while (accepted < 20) {
    held.shift()?.();
    await quiet();
  }
  await writing;
  const ending = conn.end();
  while (held.length > 0) {
    held.shift()?.();
    await quiet();
  }
  await ending;
  assert.equal(written.length, 20);
});

test("A slow target makes stdin wait, after a bounded amount.", async () => {
  const { input, output } = streams();
  const conn = stdioConn({ input, output });
  let taken = 0;
  while (taken < 100 && input.write(Buffer.alloc(64 * 1024))) {
    taken++;
    await quiet();
  }
  assert.ok(taken < 100, "stdin was read without end");
  await conn.read();
  conn.abort(broken());
});

test("A reader of stdout that is gone breaks the flow: leg 1, and words for people.", async () => {
  const { input, output } = streams();
  const conn = stdioConn({ input, output });
  const told = Promise.withResolvers<string>();
  conn.onBroken((reason) => told.resolve(reason.message));
  output.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  assert.equal(await told.promise, "the connection with stdin and stdout broke: broken pipe");
  const error = await refusal(conn.read());
  assert.equal(error.leg, 1);
});

test("An abort stops reading, and later reads and writes reject with its reason.", async () => {
  const { input, output } = streams();
  const conn = stdioConn({ input, output });
  const reason = broken();
  const read = refusal(conn.read());
  conn.abort(reason);
  assert.equal(await read, reason);
  assert.equal(await refusal(conn.write(Buffer.from("x"))), reason);
  await quiet();
  assert.equal(input.isPaused(), true);
});
