import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Inbound } from "../../../src/flow/conn.ts";
import { listenUnix, type UnixListenOptions } from "../../../src/io/listen-unix.ts";
import { broken } from "../../kit/carried-flow.ts";
import { refusal } from "../../kit/refusal.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";
import { lateSocket, staleSocket } from "../../kit/unix-socket.ts";

const folder = tempDirectory("listen-unix");
after(() => removeTemp(folder));
const modeOf = (path: string) => lstatSync(path).mode & 0o777;
let paths = 0;
/** One that nobody has had. */
const fresh = () => join(folder, `${++paths}.sock`);

/** Listens, and holds what comes in. */
async function listen(path: string, options: Partial<UnixListenOptions> = {}) {
  const came = Promise.withResolvers<Inbound>();
  const listener = await listenUnix({ path }, came.resolve, { mask: 0o177, ...options });
  return { listener, came: came.promise };
}

test("A connection comes in with the listener's path for both ends, and each half ends by itself.", async () => {
  const path = fresh();
  const { listener, came } = await listen(path);
  assert.deepEqual(listener.addresses, [{ path }]);
  const socket = createConnection({ path, allowHalfOpen: true });
  socket.end("a question");
  const inbound = await came;
  assert.deepEqual([inbound.origin, inbound.leg], [{ path }, { from: { path }, to: { path }, observed: true }]);
  const conn = await inbound.accept();
  assert.equal(Buffer.from((await conn.read()) ?? []).toString(), "a question");
  assert.equal(await conn.read(), undefined);
  await conn.write(Buffer.from("a late answer"));
  await conn.end();
  assert.equal(String((await once(socket, "data"))[0]), "a late answer");
  await listener.close();
});

test("A refused connection is closed.", async () => {
  const path = fresh();
  const { listener, came } = await listen(path);
  const socket = createConnection({ path });
  socket.on("error", () => {});
  const closed = once(socket, "close");
  (await came).refuse(broken());
  await closed;
  await listener.close();
});

for (const [mask, mode] of [
  [0o177, 0o600],
  [0o117, 0o660],
  [0, 0o777],
] as const) {
  test(`With the mask ${mask.toString(8)} the file has mode ${mode.toString(8)}, and the process's umask is as it was.`, async () => {
    const before = process.umask();
    const path = fresh();
    const listening = listen(path, { mask });
    assert.equal(process.umask(), before, "also before it listens");
    const { listener } = await listening;
    assert.deepEqual([modeOf(path), process.umask()], [mode, before]);
    await listener.close();
  });
}

test("The umask is as it was also when it cannot listen.", async () => {
  const before = process.umask();
  await refusal(listen(join(folder, "missing", "it.sock")));
  assert.equal(process.umask(), before);
});

test("At the end the file is gone, and the path can be had again.", async () => {
  const path = fresh();
  for (let round = 0; round < 3; round++) {
    const { listener } = await listen(path);
    await listener.close();
    assert.equal(existsSync(path), false);
  }
});

test("What has the path by the time of the end is not removed, and is not ours to answer for.", async () => {
  const path = fresh();
  const { listener } = await listen(path);
  renameSync(path, `${path}.moved`);
  writeFileSync(path, "a stranger's");
  await listener.close();
  assert.equal(readFileSync(path, "utf8"), "a stranger's");
  // Through the moved file the listener can still be reached: it accepts nobody any more.
  const socket = createConnection({ path: `${path}.moved` });
  socket.on("error", () => {});
  await once(socket, "close");
});

test("A socket that was left behind is said to be stale, with what to do; with unlink it is replaced.", async () => {
  const path = fresh();
  await staleSocket(path);
  const error = await refusal(listen(path));
  assert.deepEqual([error.code, error.leg], ["listen.in-use", 1]);
  assert.match(error.message, /: a socket is left there on which nobody listens any more$/);
  assert.match(error.hint, /StreamLocalBindUnlink=yes/);
  const { listener } = await listen(path, { unlink: true });
  await listener.close();
});

test("A socket on which somebody listens is said to be in use; with unlink its path is taken, as ssh does.", async () => {
  const path = fresh();
  await using _other = await lateSocket(path);
  const error = await refusal(listen(path));
  assert.equal(error.code, "listen.in-use");
  assert.match(error.message, /: (another program|\S+ \(pid \d+\)) listens there$/);
  const { listener } = await listen(path, { unlink: true });
  await listener.close();
});

test("A file, a folder and a link are never removed, with unlink neither.", async () => {
  const [file, link, socket] = [fresh(), fresh(), fresh()];
  writeFileSync(file, "precious");
  await staleSocket(socket);
  symlinkSync(socket, link);
  const place = fresh();
  mkdirSync(place);
  for (const path of [file, link, place]) {
    const error = await refusal(listen(path, { unlink: true }));
    assert.equal(error.code, "listen.in-use");
    assert.match(error.message, /a file that is no socket is there$/);
  }
  assert.deepEqual(
    [readFileSync(file, "utf8"), existsSync(socket), lstatSync(link).isSymbolicLink()],
    ["precious", true, true],
  );
});

test("A folder that is missing is named, and a name that is too long is told.", async () => {
  const missing = await refusal(listen(join(folder, "missing", "it.sock")));
  assert.deepEqual([missing.code, missing.leg], ["listen.denied", 1]);
  assert.equal(missing.message, `cannot listen on ${folder}/missing/it.sock: there is no folder ${folder}/missing`);
  const long = await refusal(listen(join(folder, "x".repeat(300))));
  assert.equal(long.code, "listen.denied");
});
