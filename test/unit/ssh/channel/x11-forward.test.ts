import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { X11Display } from "../../../../src/codec/session/x11-display.ts";
import {
  type X11Forwarding,
  type X11Request,
  x11Channels,
  x11Request,
} from "../../../../src/ssh/channel/x11-forward.ts";
import { connPair } from "../../../kit/memory-conn.ts";
import { tempDirectory } from "../../../kit/temp.ts";

const cookie = { protocol: "MIT-MAGIC-COOKIE-1", data: Buffer.alloc(16, 0xcc) };
const nowhere: X11Display = { addresses: [{ path: "/nonexistent/X0" }], screen: 2, xauthName: ":0" };

function forwarding(changes: Partial<X11Forwarding> = {}): X11Forwarding {
  return { display: nowhere, cookie, refuseAfterMs: undefined, ...changes };
}

/** A setup packet with this cookie, little-endian. */
function setup(data: Uint8Array): Buffer {
  const name = Buffer.from(cookie.protocol);
  const header = Buffer.alloc(12);
  header.write("l", 0);
  header.writeUInt16LE(name.length, 6);
  header.writeUInt16LE(data.length, 8);
  return Buffer.concat([header, name, Buffer.alloc(2), data]);
}

function carried(request: X11Request) {
  const warnings: string[] = [];
  const sides = x11Channels(forwarding(), request, (text) => warnings.push(text));
  const [far, channel] = connPair();
  const [display, here] = connPair();
  return { far, display, warnings, done: sides.carry(channel, here) };
}

test("The server gets a made-up cookie of the same length, another one each time, and the screen.", () => {
  const [one, other] = [x11Request(forwarding()), x11Request(forwarding())];
  assert.deepEqual([one.protocol, one.screen, one.fakeCookie.length], [cookie.protocol, 2, 16]);
  assert.notDeepEqual(one.fakeCookie, other.fakeCookie);
  assert.notDeepEqual(Buffer.from(one.fakeCookie), cookie.data);
});

test("Who has the made-up cookie reaches the display with the real one, and is carried from there.", async () => {
  const request = x11Request(forwarding());
  const { far, display, done } = carried(request);
  const packet = setup(request.fakeCookie);
  await far.write(packet.subarray(0, 7));
  await far.write(packet.subarray(7));
  assert.deepEqual(Buffer.from((await display.read()) ?? []), setup(cookie.data));
  await display.write(Buffer.from("welcome"));
  assert.equal(String(await far.read()), "welcome");
  await Promise.all([far.end(), display.end()]);
  await done;
});

for (const [what, bytes] of [
  ["another cookie", setup(Buffer.alloc(16, 0xee))],
  ["the real cookie", setup(cookie.data)],
  ["no X11 at all", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
] as const) {
  test(`Who comes with ${what} is closed out, and the display hears nothing of it.`, async () => {
    const { far, display, warnings, done } = carried(x11Request(forwarding()));
    await far.write(bytes);
    await done;
    assert.match(warnings.join(), /^an X11 connection of the server was closed: /);
    assert.ok(far.aborted !== undefined && display.aborted !== undefined);
    assert.equal(display.readBytes, 0);
  });
}

test("Who ends before the cookie is closed out too.", async () => {
  const { far, display, warnings, done } = carried(x11Request(forwarding()));
  await far.end();
  await done;
  assert.equal(warnings.length, 1);
  assert.ok(display.aborted !== undefined);
});

test("Untrusted programs are refused once their time is over.", () => {
  let nowMs = 0;
  const refusal = (refuseAfterMs: number | undefined) => {
    const sides = x11Channels(
      forwarding({ refuseAfterMs }),
      x11Request(forwarding()),
      () => {},
      () => nowMs,
    );
    return sides.refusal?.();
  };
  nowMs = 999;
  assert.equal(refusal(1000), undefined);
  nowMs = 1000;
  assert.match(refusal(1000) ?? "", /ForwardX11Timeout is over/);
  assert.equal(refusal(undefined), undefined);
});

test("The display's addresses are tried in turn, and the error is that of the first.", async () => {
  const path = join(tempDirectory("display"), "X7");
  const server = createServer((socket) => socket.end("hello"));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const sides = (addresses: X11Display["addresses"]) =>
    x11Channels(forwarding({ display: { ...nowhere, addresses } }), x11Request(forwarding()), () => {});
  try {
    const conn = await sides([{ path: "/nonexistent/X0" }, { path }]).dial();
    assert.equal(String(await conn.read()), "hello");
    await conn.end();
    const missing = [{ path: "/nonexistent/X0" }, { path: "/nonexistent/X1" }] as const;
    await assert.rejects(sides(missing).dial(), /\/nonexistent\/X0/);
  } finally {
    server.close();
  }
});
