/** `porthop demo`: works with nothing installed, and what it explains is what really happened. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { type PorthopOptions, porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { tempDirectory } from "../kit/temp.ts";
import { dials } from "./dials.ts";

builtExecutable();
const limits = { skip: need("tshark", "curl"), timeout: 60_000 };

test("It ends by itself with 0, after a picture whose ports are those of its capture.", limits, async () => {
  await using program = porthop(["demo"], freshTemp());
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stderr], [0, ""]);
  const file = captureOf(stdout);
  const shown = [...stdout.matchAll(/^ {2}leg \d {2}(\S+) > (\S+) /gm)].map(([, from, to]) => `${from},${to}`);
  assert.equal(shown.length, 3);
  for (const [index, leg] of shown.entries()) {
    assert.deepEqual(await dials(file, `frame.interface_id == ${index}`), [leg], `leg ${index + 1}`);
  }
  const opened = await tshark(file, ["-Y", "tcp.analysis.flags"]);
  assert.deepEqual([opened.code, opened.stderr, opened.lines], [0, "", []]);
  assert.ok(
    stdout.split("\n").every((line) => line.length <= 80 || line.includes(file)),
    "it fits a terminal",
  );
});

test("Each tcpdump filter that it names shows its own leg, and the numbers of bytes are true.", limits, async () => {
  await using program = porthop(["demo", "--capture", "out.pcapng"]);
  const { stdout } = await program.exit;
  const file = join(program.home, "out.pcapng");
  const filters = [...stdout.matchAll(/tcpdump -ni \S+ tcp port (\d+)$/gm)].map(([, port]) => port);
  for (const [index, port] of filters.entries()) {
    const { lines } = await tshark(file, ["-Y", `tcp.port == ${port}`, "-T", "fields", "-e", "frame.interface_id"]);
    assert.deepEqual([...new Set(lines)], [String(index)]);
  }
  assert.equal(filters.length, 3);
  const [, up, down] = /carried the same (\d+) bytes up and (\d+) bytes down/.exec(stdout) ?? [];
  for (const leg of [0, 2]) {
    const sizes = async (direction: string) => {
      const filter = `frame.interface_id == ${leg} && frame.packet_flags_direction == ${direction}`;
      const { lines } = await tshark(file, ["-Y", filter, "-T", "fields", "-e", "tcp.len"]);
      return lines.reduce((sum, line) => sum + Number(line), 0);
    };
    assert.deepEqual([await sizes("2"), await sizes("1")], [Number(up), Number(down)]);
  }
});

test("With --keep it goes on for curl, until Ctrl-C.", limits, async () => {
  await using program = porthop(["demo", "--keep", "--capture", "out.pcapng"]);
  const [, url = ""] = await program.stdout(/It goes on until Ctrl-C\. Try: curl (\S+)/);
  const page = await run("curl", ["-sSi", url]);
  assert.match(page.stdout, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nHello from behind the SSH server\.\n$/s);
  program.signal("SIGINT");
  assert.equal((await program.exit).code, 130);
  assert.equal((await dials(join(program.home, "out.pcapng"), "frame.interface_id == 0")).length, 2);
});

test("When its port 3456 is taken, it takes another one.", limits, async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => {
    // Whoever else has it serves as well.
    holder.on("error", () => resolve());
    holder.listen(3456, "127.0.0.1", resolve);
  });
  try {
    await using program = porthop(["demo"], freshTemp());
    const { code, stdout, stderr } = await program.exit;
    assert.deepEqual([code, stderr], [0, ""]);
    const [, port] = /^http:\/\/127\.0\.0\.1:(\d+)\/ was answered/m.exec(stdout) ?? [];
    assert.ok(Number(port) > 0 && port !== "3456", `port ${port}`);
  } finally {
    holder.close();
  }
});

test("It needs no program, no home and no agent, and leaves nothing at home.", limits, async () => {
  const home = tempDirectory("home");
  const env = {
    PATH: "",
    SSH_AUTH_SOCK: join(home, "no-agent"),
    USER: undefined,
    LOGNAME: undefined,
    SHELL: undefined,
  };
  await using program = porthop(["demo"], freshTemp({ home, env }));
  const { code, stderr } = await program.exit;
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual(readdirSync(home), []);
});

/** Its own folder for temporary files, so that the capture is removed with the rest. */
function freshTemp(options: PorthopOptions = {}): PorthopOptions {
  const directory = join(tempDirectory("demo"), "tmp");
  mkdirSync(directory);
  return { ...options, env: { ...options.env, TMPDIR: directory } };
}

function captureOf(stdout: string): string {
  const file = /^The capture of all three: (\S+)$/m.exec(stdout)?.[1] ?? "";
  assert.ok(existsSync(file), `no capture at ${JSON.stringify(file)}`);
  return file;
}
