import assert from "node:assert/strict";
import { test } from "node:test";
import { readRunSettings } from "../../../../src/config/run-settings.ts";
import { memoryConfig } from "../../../kit/memory-config.ts";

function settings(config: string, ...flags: string[]) {
  return readRunSettings([...flags, "web"], memoryConfig({ "/home/anna/.ssh/config": config }));
}

function chain(config: string, ...flags: string[]) {
  return settings(config, ...flags).plugins.map(({ name, options }) =>
    [name, ...[...options].map((pair) => pair.join("="))].join(" "),
  );
}

test("Each setting is the flag that it stands for.", () => {
  assert.deepEqual(chain("PorthopUse limit:up=1MB/s\nPorthopUse ./mine.ts\nPorthopCapture out.pcapng\n"), [
    "limit up=1MB/s",
    "./mine.ts",
    "capture file=out.pcapng",
  ]);
  assert.deepEqual(chain("PorthopRateLimit 1MB/s\n"), ["limit rate=1MB/s"]);
  assert.equal(settings("PorthopLog debug\n").logLevel, "debug");
});

test("A tilde is the home, and none is nothing.", () => {
  assert.deepEqual(chain("PorthopCapture ~/out.pcapng\n"), ["capture file=/home/anna/out.pcapng"]);
  assert.deepEqual(chain("PorthopUse ~/mine.ts\n"), ["/home/anna/mine.ts"]);
  assert.deepEqual(chain("PorthopCapture none\nHost *\n PorthopCapture out.pcapng\n"), []);
});

test("The command line is stronger, plugin by plugin.", () => {
  const config = "PorthopUse limit:up=1MB/s\nPorthopCapture out.pcapng\nPorthopLog debug\n";
  assert.deepEqual(chain(config, "--rate-limit", "2MB/s"), ["limit rate=2MB/s", "capture file=out.pcapng"]);
  assert.deepEqual(chain(config, "--capture", "x.pcap"), ["capture file=x.pcap", "limit up=1MB/s"]);
  assert.deepEqual(chain(config, "--use", "capture:file=y.pcap"), ["capture file=y.pcap", "limit up=1MB/s"]);
  assert.equal(settings(config, "-q").logLevel, "error");
  assert.equal(settings(config, "--log", "warn").logLevel, "warn");
});

test("The first rate and the first capture count, and a setting of -o does too.", () => {
  assert.deepEqual(chain("PorthopRateLimit 1MB/s\nPorthopRateLimit 2MB/s\n"), ["limit rate=1MB/s"]);
  assert.deepEqual(chain("PorthopRateLimit 1MB/s\n", "-o", "PorthopRateLimit=3MB/s"), ["limit rate=3MB/s"]);
});
