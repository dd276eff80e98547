import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { captureLanes } from "../../../../plugins/capture/interfaces.ts";
import { finishRecording, startRecording } from "../../../../plugins/capture/recorded-file.ts";
import { TcpConversation } from "../../../../src/codec/capture/tcp-conversation.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { readCapture } from "../../../kit/packet-reader.ts";
import { ScriptedHost } from "../../../kit/plugin-host.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("recorded-file");
after(() => removeTemp(folder));

const startNs = 1_700_000_000_000_000_000n;
const lanes = captureLanes(new Set([1, 3]), []);
const ends = { from: { host: "10.0.0.1", port: 1000 }, to: { host: "10.0.0.2", port: 80 } };
/** The SYN of a connection. */
const frame = new TcpConversation({ leg: 1, ...ends }).open()[0] ?? assert.fail();

function started(name: string, snapLength?: number) {
  const file = join(folder, name);
  const host = new ScriptedHost([]);
  return { file, host, recording: startRecording(host, { file, snapLength, lanes }, () => startNs) };
}

test("The file begins with its interfaces, and in the end the user is told how much is in it.", async () => {
  const { file, host, recording } = started("whole.pcapng");
  recording.packet(1, startNs + 5n, frame);
  await finishRecording(host, file, recording, startNs + 9n);
  const { interfaceNames, packets, statistics } = readCapture(file);
  assert.deepEqual(interfaceNames, ["leg1-app-listener", "leg3-sshd-target"]);
  assert.equal(packets.length, 1);
  assert.deepEqual(statistics[1], { received: 1, dropped: 0, startNs, endNs: startNs + 9n });
  assert.deepEqual(host.lines, [`info 1 packets in ${file}`]);
  assert.match(readFileSync(file, "latin1"), new RegExp(`porthop ${host.version}`));
});

test("Only a name that ends in .pcap makes a classic pcap, and the snapshot length holds in either.", async () => {
  const magics = await Promise.all(
    ["a.pcap", "a.pcapng", "a.pcap.txt"].map(async (name) => {
      const { file, host, recording } = started(name, 40);
      recording.packet(0, startNs + 5n, frame);
      await finishRecording(host, file, recording, startNs + 9n);
      return readFileSync(file).readUInt32LE(0).toString(16);
    }),
  );
  assert.deepEqual(magics, ["a1b23c4d", "a0d0d0a", "a0d0d0a"]);
  assert.equal(statSync(join(folder, "a.pcap")).size, 24 + 16 + 40);
});

test("Lost frames are warned about once, and counted in the end.", async () => {
  const { file, host, recording } = started("lossy.pcapng");
  recording.countDropped(0, 3);
  recording.countDropped(1, 4);
  await finishRecording(host, file, recording, startNs + 9n);
  assert.deepEqual(host.lines, [
    "warn the disk is slower than the traffic: frames are being dropped, the forwards go on",
    `info 0 packets in ${file}, 7 frames lost`,
  ]);
});

test("A file that must not be replaced ends the setup, and stays as it is.", () => {
  const file = join(folder, "letter.txt");
  writeFileSync(file, "dear reader");
  assert.throws(
    () => started("letter.txt"),
    (error) => error instanceof PorthopError && error.code === "file.cannot-write",
  );
  assert.equal(readFileSync(file, "utf8"), "dear reader");
});
