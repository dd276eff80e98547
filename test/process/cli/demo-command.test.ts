import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { porthop } from "../../kit/porthop.ts";
import { currentRuntime } from "../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const timeout = 60_000;
const runtime = currentRuntime;
const folder = tempDirectory("demo");
after(() => removeTemp(folder));

test("It plays, says how to look into its capture, and ends with 0.", { timeout }, async () => {
  const capture = join(folder, "played.pcapng");
  await using program = porthop(["demo", "--capture", join(folder, "not-this.pcapng"), "--capture", capture], {
    runtime,
  });
  const { code, stdout, stderr } = await program.exit;
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /was answered by the web server on port \d+:\n {2}200 /);
  assert.ok(
    stdout.endsWith(`The capture of all three: ${capture}\n  wireshark ${capture}\n  tcpdump -nn -r ${capture}\n`),
    stdout,
  );
  assert.ok(statSync(capture).size > 1000);
});

for (const [signal, expected] of [
  ["SIGINT", 130],
  ["SIGTERM", 0],
] as const) {
  test(`With --keep it goes on until ${signal}, and then ends with ${expected} and its capture.`, {
    timeout,
  }, async () => {
    const capture = join(folder, `kept-${signal}.pcapng`);
    await using program = porthop(["demo", "--keep", "--capture", capture], { runtime });
    const [, url = ""] = await program.stdout(/It goes on until Ctrl-C\. Try: curl (http:\/\/127\.0\.0\.1:\d+\/)/);
    for (let round = 0; round < 5; round++) assert.match(await (await fetch(url)).text(), /^Hello/);
    program.signal(signal);
    const { code, stdout } = await program.exit;
    assert.equal(code, expected);
    assert.ok(stdout.includes(`The capture of all three: ${capture}\n`), stdout);
  });
}

test("A capture that cannot be written is an error, and no capture is praised.", { timeout }, async () => {
  await using program = porthop(["demo", "--capture", join(folder, "no", "such.pcapng")], { runtime });
  const { code, stdout, stderr } = await program.exit;
  assert.equal(code, 1);
  assert.match(stderr, /^porthop: .*\[file\.cannot-write\]\n {2}hint: .+\n$/);
  assert.doesNotMatch(stdout, /capture/);
});
