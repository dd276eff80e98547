import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../../src/cli/run-command.ts";
import { freePort } from "../../kit/servers.ts";
import { writtenBy } from "../../kit/written.ts";

const timeout = 30_000;

/** A run that ends by itself: its exit code, what it wrote, and how often the help was shown. */
async function ends(...words: string[]) {
  let code: number | undefined;
  let helps = 0;
  const { stdout, stderr } = await writtenBy(async () => {
    code = await run(words, () => helps++);
  });
  const events = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { event: string; code?: unknown });
  return { code, helps, stderr, stdout, events: events.map(({ event, code }) => `${event} ${code ?? ""}`.trim()) };
}

test("Help is shown and nothing else is done.", async () => {
  const told = await ends("-L", "8080:localhost:80", "--help", "vishnu");
  assert.deepEqual([told.code, told.helps, told.stdout, told.stderr], [0, 1, "", ""]);
});

test("Words that make no sense are one line, a hint and the exit code 2; with --json events as well.", async () => {
  const told = await ends("-Z", "vishnu");
  assert.deepEqual(
    [told.code, told.helps, told.stdout, told.stderr],
    [2, 0, "", "porthop: unknown flag -Z [usage]\n  hint: porthop run --help shows the flags\n"],
  );
  const json = await ends("-Z", "--json", "vishnu");
  assert.deepEqual([json.code, json.events, json.stderr], [2, ["error usage", "exit 2"], told.stderr]);
});

test("Without a forward there is nothing to do, and it is said how one looks.", async () => {
  const told = await ends("vishnu");
  assert.equal(told.code, 2);
  assert.match(
    told.stderr,
    /^porthop: nothing to forward and nothing to run: -L is missing, or a command \[usage\]\n {2}hint: for a shell: ssh user@host; for a forward: porthop run -L /,
  );
});

test("A server that cannot be reached is told with 255, in words and as events.", { timeout }, async () => {
  const told = await ends("--json", "-F", "none", "-L", "8080:h:1", "-p", String(await freePort()), "127.0.0.1");
  assert.deepEqual([told.code, told.events], [255, ["session", "error ssh.unreachable", "exit 255"]]);
  assert.match(
    told.stderr,
    /^porthop: cannot reach sshd at 127\.0\.0\.1:\d+: connection refused \[ssh\.unreachable\]\n/,
  );
});

test("Keywords that do not have their effect are warned of, each; what porthop does anyway is not.", {
  timeout,
}, async () => {
  const keywords = ["-o", "VisualHostKey=yes", "-o", "ControlMaster=auto", "-o", "Tunnel=no"];
  const told = await ends(...keywords, "-L", "8080:h:1", "-p", String(await freePort()), "127.0.0.1");
  assert.match(
    told.stderr,
    /^porthop: warning: porthop does not have VisualHostKey: .+\nporthop: warning: porthop does not have ControlMaster: .+\nporthop: cannot reach/,
  );
  const quiet = await ends("-q", ...keywords, "-L", "8080:h:1", "-p", String(await freePort()), "127.0.0.1");
  assert.match(quiet.stderr, /^porthop: cannot reach/);
});
