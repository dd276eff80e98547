import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { settingLine } from "../../../../src/config/file/porthop-keywords.ts";
import { readRunSettings } from "../../../../src/config/run-settings.ts";
import { memoryConfig } from "../../../kit/memory-config.ts";

function settings(config: string, ...flags: string[]) {
  return readRunSettings([...flags, "web"], memoryConfig({ "/home/anna/.ssh/config": config }));
}

function pluginsOf(files: Readonly<Record<string, string>>, ...flags: string[]) {
  return readRunSettings([...flags, "web"], memoryConfig(files)).plugins.map(({ name, options }) =>
    [name, ...options.values()].join(" "),
  );
}

function chain(config: string, ...flags: string[]) {
  return settings(config, ...flags).plugins.map(({ name, options }) =>
    [name, ...[...options].map((pair) => pair.join("="))].join(" "),
  );
}

test("Each setting is the flag that it stands for.", () => {
  assert.deepEqual(chain("PorthopUse limit:up=1MB/s\nPorthopUse ./mine.ts\nPorthopCapture out.pcapng\n"), [
    "limit up=1MB/s",
    "/home/anna/.ssh/mine.ts",
    "capture file=/home/anna/.ssh/out.pcapng",
  ]);
  assert.deepEqual(chain("PorthopRateLimit 1MB/s\n"), ["limit rate=1MB/s"]);
  assert.equal(settings("PorthopLog debug\n").logLevel, "debug");
  assert.deepEqual(
    ["", "PorthopAskServer no\n", "PorthopAskServer yes\n"].map((text) => settings(text).asksServer),
    [false, false, true],
  );
});

test("A flag that a setting stands for is written as that setting, its files changed.", () => {
  const written = (flag: string, value: string) => {
    const line = settingLine(flag, value, (file) => `/there/${file}`);
    return line === undefined ? undefined : `${line.name} ${line.value}`;
  };
  assert.equal(written("capture", "out.pcapng"), "PorthopCapture /there/out.pcapng");
  assert.equal(written("rate-limit", "1MB/s"), "PorthopRateLimit 1MB/s");
  assert.equal(written("use", "mine.ts"), "PorthopUse /there/mine.ts");
  assert.equal(written("reconnect", "always"), "PorthopReconnect always");
  assert.equal(written("hold", "1m"), "PorthopHold 1m");
  assert.equal(written("sessions", "2"), "PorthopSessions 2");
  assert.equal(written("fallback", "bob@db:22"), "PorthopFallback bob@db:22");
  assert.equal(written("grace", "1s"), undefined);
  assert.equal(written("toString", "1s"), undefined);
});

test("A tilde is the home, and none is nothing.", () => {
  assert.deepEqual(chain("PorthopCapture ~/out.pcapng\n"), ["capture file=/home/anna/out.pcapng"]);
  assert.deepEqual(chain("PorthopUse ~/mine.ts\n"), ["/home/anna/mine.ts"]);
  assert.deepEqual(chain("PorthopCapture none\nHost *\n PorthopCapture out.pcapng\n"), []);
});

test("The working folder has no say in what the configuration names: its files are beside it.", () => {
  const config = "PorthopUse ./evil.ts\nPorthopCapture ../out.pcapng\n";
  const other = "PorthopUse evil.ts\nPorthopUse capture:file=out.pcapng\n";
  for (const [files, flags, plugins] of [
    [{ "/home/anna/.ssh/config": config }, [], ["/home/anna/.ssh/evil.ts", "capture /home/anna/out.pcapng"]],
    [{ "/etc/ssh/ssh_config": config }, [], ["/etc/ssh/evil.ts", "capture /etc/out.pcapng"]],
    [
      { "/home/anna/.ssh/config": "Include /srv/of/x", "/srv/of/x": other },
      [],
      ["/srv/of/evil.ts", "capture /srv/of/out.pcapng"],
    ],
    [{ "/srv/of/x": other }, ["-F", "/srv/of/x"], ["/srv/of/evil.ts", "capture /srv/of/out.pcapng"]],
    [{ "./x": other }, ["-F", "./x"], [resolve("evil.ts"), `capture ${resolve("out.pcapng")}`]],
  ] as const) {
    assert.deepEqual(pluginsOf(files as Record<string, string>, ...flags), plugins);
  }
});

test("What the command line names starts at the working folder, -o included.", () => {
  assert.deepEqual(chain("", "--use", "./mine.ts", "-o", "PorthopCapture=out.pcapng"), [
    "./mine.ts",
    "capture file=out.pcapng",
  ]);
  const beside = `PorthopUse ${resolve("mine.ts")}\n`;
  assert.deepEqual(chain(beside, "--use", "./mine.ts"), ["./mine.ts"], "it is the same one");
  assert.deepEqual(chain("PorthopUse ./mine.ts\n", "--use", "./mine.ts"), ["./mine.ts", "/home/anna/.ssh/mine.ts"]);
});

test("The command line is stronger, plugin by plugin.", () => {
  const config = "PorthopUse limit:up=1MB/s\nPorthopCapture out.pcapng\nPorthopLog debug\n";
  assert.deepEqual(chain(config, "--rate-limit", "2MB/s"), [
    "limit rate=2MB/s",
    "capture file=/home/anna/.ssh/out.pcapng",
  ]);
  assert.deepEqual(chain(config, "--capture", "x.pcap"), ["capture file=x.pcap", "limit up=1MB/s"]);
  assert.deepEqual(chain(config, "--use", "capture:file=y.pcap"), ["capture file=y.pcap", "limit up=1MB/s"]);
  assert.equal(settings(config, "-q").logLevel, "error");
  assert.equal(settings(config, "--log", "warn").logLevel, "warn");
});

test("The first rate and the first capture count, and a setting of -o does too.", () => {
  assert.deepEqual(chain("PorthopRateLimit 1MB/s\nPorthopRateLimit 2MB/s\n"), ["limit rate=1MB/s"]);
  assert.deepEqual(chain("PorthopRateLimit 1MB/s\n", "-o", "PorthopRateLimit=3MB/s"), ["limit rate=3MB/s"]);
});
