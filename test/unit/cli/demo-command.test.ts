import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { demo } from "../../../src/cli/demo-command.ts";
import { porthop } from "../../kit/porthop.ts";
import { currentRuntime } from "../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";
import { writtenBy } from "../../kit/written.ts";

const timeout = 60_000;
const runtime = currentRuntime;
const folder = tempDirectory("demo");
after(() => removeTemp(folder));

test("Help is shown and nothing is played.", async () => {
  for (const flag of ["-h", "--help"]) {
    let helps = 0;
    const told = await writtenBy(async () => {
      assert.equal(await demo(["--keep", flag], () => helps++), 0);
    });
    assert.deepEqual([helps, told], [1, { stdout: "", stderr: "" }]);
  }
});

for (const [words, message] of [
  [["now"], "unexpected word now"],
  [["now", "or\u001b never"], "unexpected word now or\\x1b never"],
  [["--kep"], "unknown flag --kep (did you mean --keep?)"],
  [["--capture"], "--capture needs a value"],
  [["-L", "8080:localhost:80"], "unknown flag -L"],
] as const) {
  test(`${JSON.stringify(words)} is wrong usage: ${message}.`, async () => {
    const expected = { code: "usage", message, hint: "porthop demo --help shows the flags" };
    await assert.rejects(
      demo(words, () => {}),
      expected,
    );
  });
}

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
