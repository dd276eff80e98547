import assert from "node:assert/strict";
import { test } from "node:test";
import { ends, startNs, studio } from "../../../kit/conversation-studio.ts";
import { outline } from "../../../kit/packet-reader.ts";

const bytes = (text: string) => [Buffer.from(text)];

test("A connection that is told as it happens is told so in the file.", async () => {
  const { track, finish } = studio();
  const one = track(0);
  one.open();
  one.data("up", bytes("question"));
  one.end("up");
  one.data("down", bytes("answer"));
  one.end("down");
  const { packets } = await finish();
  assert.deepEqual(outline(packets), [
    "up S 0",
    "down SA 0",
    "up A 0",
    "up PA 8",
    "down A 0",
    "up FA 0",
    "down A 0",
    "down PA 6",
    "up A 0",
    "down FA 0",
    "up A 0",
  ]);
  assert.equal(packets[0]?.comment, "porthop flow=L1#1");
  assert.equal(packets[0]?.sourcePort, 1000);
  assert.equal(packets[0]?.targetMac, "027068010002");
});

test("A refusal is a SYN with the comment and a RST with the reason; an abort is a RST with the reason.", async () => {
  const { track, finish } = studio();
  track(1).refused("connection refused");
  const broken = track(0);
  broken.open();
  broken.abort("down", "session lost");
  const { packets } = await finish();
  assert.deepEqual(outline(packets), ["up S 0", "down RA 0", "up S 0", "down SA 0", "up A 0", "down RA 0"]);
  assert.deepEqual(
    [packets[0]?.comment, packets[1]?.comment, packets[5]?.comment],
    ["porthop flow=L1#1", "connection refused", "session lost"],
  );
});

test("Its addresses are asked for once, with the first thing that happens on it, and are those of that moment.", async () => {
  const { track, finish } = studio();
  let asked = 0;
  let port = 0;
  const late = track(1, () => {
    asked += 1;
    return { ...ends, from: { host: "10.0.0.1", port } };
  });
  const other = track(0);
  other.open();
  port = 4711;
  assert.equal(asked, 0);
  late.open();
  port = 4712;
  other.data("up", bytes("other"));
  late.data("up", bytes("question"));
  late.end("down");
  const { packets } = await finish();
  assert.equal(asked, 1);
  assert.deepEqual(
    packets.map(({ interfaceIndex }) => interfaceIndex),
    [0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1],
  );
  assert.equal(packets[3]?.sourcePort, 4711);
  assert.equal(packets[8]?.sourcePort, 4711);
});

test("All frames of one event carry its time, and each a nanosecond of its own.", async () => {
  const { track, finish } = studio();
  const one = track(0);
  one.open();
  one.data("up", bytes("question"));
  one.end("up");
  const { packets } = await finish();
  assert.deepEqual(
    packets.map(({ timestampNs }) => Number(timestampNs - startNs)),
    [1000, 1001, 1002, 2000, 2001, 3000, 3001],
  );
});

test("A connection that is met while it lives gets its handshake late; one that ended stays ended.", async () => {
  const { track, finish } = studio();
  const one = track(0);
  one.data("down", bytes("answer"));
  one.open();
  one.abort("up", "gone");
  one.data("up", bytes("question"));
  one.open();
  const { packets } = await finish();
  assert.deepEqual(outline(packets), ["up S 0", "down SA 0", "up A 0", "down PA 6", "up A 0", "up RA 0"]);
  assert.match(packets[0]?.comment ?? "", /late/);
});
