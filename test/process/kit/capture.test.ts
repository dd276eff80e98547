import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { capinfos, payloadOf, tcpdump, tshark, wireshark } from "../../kit/capture.ts";
import { shared } from "../../kit/lifetime.ts";
import { need } from "../../kit/packages.ts";
import { randomBytes, sha256 } from "../../kit/random.ts";
import { run } from "../../kit/run.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const limits = { skip: need("tshark", "capinfos", "editcap", "mergecap", "text2pcap", "tcpdump"), timeout: 60_000 };
const large = randomBytes(50_000, 3);
const files = shared(makeFiles);

test("tshark, tcpdump and capinfos read a file and agree on it, without the remark about root.", limits, async () => {
  const { both } = await files();
  const fields = await tshark(both, ["-T", "fields", "-e", "frame.interface_name"]);
  assert.deepEqual([fields.code, fields.stderr], [0, ""]);
  assert.deepEqual(fields.lines, ["leg1", "leg1", "leg1", "leg3"]);
  assert.equal((await tcpdump(both)).lines.length, 4);
  assert.ok((await capinfos(both)).lines.includes("Number of interfaces in file: 2"));
});

test(
  "Payload is summed in frame order, by interface, direction and filter, however large a frame is.",
  limits,
  async () => {
    const { both } = await files();
    assert.deepEqual(await payloadOf(both, "leg1", "up"), sum("hello", "!"));
    assert.deepEqual(await payloadOf(both, "leg1", "down"), sum("world"));
    assert.deepEqual(await payloadOf(both, "leg1"), sum("hello", "world", "!"));
    assert.deepEqual(await payloadOf(both, "leg3"), sum(large));
    assert.deepEqual(await payloadOf(both, undefined), sum("hello", "world", "!", large));
    assert.deepEqual(await payloadOf(both, undefined, "up", "tcp.dstport == 3000"), sum("hello", "!"));
    assert.deepEqual(await payloadOf(both, "leg9"), sum());
  },
);

test("Of a file that was cut short the payload before the cut counts.", limits, async () => {
  const { both, directory } = await files();
  const cut = join(directory, "cut.pcapng");
  writeFileSync(cut, readFileSync(both).subarray(0, -1000));
  assert.deepEqual(await payloadOf(cut, undefined), sum("hello", "world", "!"));
});

test("A file that is no capture is an error, with tshark's words.", limits, async () => {
  const { directory } = await files();
  const file = join(directory, "text");
  writeFileSync(file, "this is no capture at all\n");
  await assert.rejects(payloadOf(file, "leg1"), /tshark cannot read .*text/);
  assert.notEqual((await tshark(file)).code, 0);
});

test("editcap writes a file that its readers read.", limits, async () => {
  const { both, directory } = await files();
  const one = join(directory, "one.pcapng");
  assert.equal((await wireshark("editcap", ["-r", both, one, "2"])).code, 0);
  assert.deepEqual(await payloadOf(one, "leg1"), sum("world"));
});

function sum(...parts: (string | Uint8Array)[]) {
  const all = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return { bytes: all.length, sha256: sha256(all) };
}

/** Two interfaces: one with a short talk, one with a single frame of many bytes. */
async function makeFiles() {
  const directory = tempDirectory("captures");
  const [talk, bulk, both] = ["talk", "bulk", "both"].map((name) => join(directory, `${name}.pcapng`)) as [
    string,
    string,
    string,
  ];
  await fromText(talk, "leg1", "2000,3000", `I\n${hex("hello")}O\n${hex("world")}I\n${hex("!")}`);
  await fromText(bulk, "leg3", "4000,5000", `I\n${hex(large)}`);
  assert.equal((await wireshark("mergecap", ["-a", "-w", both, talk, bulk])).code, 0);
  return { directory, both, [Symbol.asyncDispose]: async () => removeTemp(directory) };
}

async function fromText(file: string, name: string, ports: string, text: string): Promise<void> {
  const made = await run("text2pcap", ["-q", "-D", "-T", ports, "-N", name, "-", file], { input: text });
  assert.equal(made.code, 0, made.stderr);
}

/** As text2pcap reads it: an offset, then bytes. */
function hex(data: string | Uint8Array): string {
  return `000000 ${Buffer.from(data).toString("hex").replace(/../g, "$& ")}\n`;
}
