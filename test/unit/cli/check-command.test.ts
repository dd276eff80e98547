import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "../../../src/cli/check-command.ts";
import { freePort } from "../../kit/servers.ts";
import { writtenBy } from "../../kit/written.ts";

const timeout = 30_000;

/** A check: its exit code, what it wrote, and how often the help was shown. */
async function ends(...words: string[]) {
  let code: number | undefined;
  let helps = 0;
  const { stdout, stderr } = await writtenBy(async () => {
    code = await check(words, () => helps++);
  });
  return { code, helps, stdout, stderr };
}

test("Help is shown and nothing else is done.", async () => {
  assert.deepEqual(await ends("--help"), { code: 0, helps: 1, stdout: "", stderr: "" });
});

test("Words that make no sense end with 2, with --json as events too.", async () => {
  const told = await ends("-Z", "vishnu");
  assert.deepEqual([told.code, told.stdout], [2, ""]);
  assert.match(told.stderr, /^porthop: unknown flag -Z \[usage\]\n {2}hint: /);
  const json = await ends("-Z", "--json", "vishnu");
  const events = json.stdout.trimEnd().split("\n");
  assert.deepEqual(
    events.map((line) => JSON.parse(line)).map(({ event, code }) => [event, code]),
    [
      ["error", "usage"],
      ["exit", 2],
    ],
  );
});

test("A server that cannot be reached ends with 255: on stdout the steps, on stderr nothing.", {
  timeout,
}, async () => {
  const port = String(await freePort());
  const told = await ends("-F", "none", "-p", port, "127.0.0.1");
  assert.deepEqual([told.code, told.stderr], [255, ""]);
  const lines = told.stdout.trimEnd().split("\n");
  assert.match(lines[1] ?? "", new RegExp(`^no {3}leg 2 {2}tcp +cannot reach sshd at 127\\.0\\.0\\.1:${port}: `));
  assert.match(lines.at(-1) ?? "", /^no {3}leg 2 fails first, at tcp: 1 of 5 steps failed, 3 not tried$/);
});

test("A pasted command is taken, and -W with --json, for nothing of them has stdout here.", { timeout }, async () => {
  const port = await freePort();
  const told = await ends("--json", `ssh -F none -W target:80 -p ${port} 127.0.0.1`);
  assert.deepEqual([told.code, told.stderr], [255, ""]);
  const events = told.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ event, step, ok, skipped }) => [event, step, ok, skipped]),
    [
      ["check", "name", true, undefined],
      ["check", "tcp", false, undefined],
      ["check", "banner", false, true],
      ["check", "host-key", false, true],
      ["check", "login", false, true],
      ["check", "target", false, true],
      ["exit", undefined, undefined, undefined],
    ],
  );
});

test("With fallbacks it says that it tries none of them, and takes the flags that are of use to run only.", {
  timeout,
}, async () => {
  const port = String(await freePort());
  const ofRun = ["--sessions", "2", "--reconnect", "always", "--hold", "1s", "--check-target"];
  const told = await ends("-F", "none", "--fallback", "other", ...ofRun, "-p", port, "127.0.0.1");
  assert.equal(told.stderr, "porthop: warning: check tries the destination only, and no --fallback\n");
  assert.equal(told.code, 255);
  assert.match(told.stdout, /^no {3}leg 2 fails first, at tcp: /m);
});
