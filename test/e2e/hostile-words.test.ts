/** Words that want to act on the terminal or to fill it: what is shown of them is escaped and cut, in words and events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { assertClean, runToEnd } from "./failure.ts";

builtExecutable();
const limits = { timeout: 60_000 };
const forward = ["-L", "18080:localhost:80"];

/** The same bad word at every place of a command line where text is taken. */
function everywhere(bad: string): string[][] {
  const behind = [
    ["-p", bad, "host"],
    ["-l", bad, "host"],
    [bad],
    [`user@${bad}`],
    [`--${bad}`, "host"],
    [`-${bad}`, "host"],
    ["-i", bad, "host.invalid"],
    ["-F", bad, "host"],
    ["-D", bad, "host"],
    ["-c", bad, "host.invalid"],
    ["-o", bad, "host"],
    ["-o", `${bad}=1`, "host"],
    ["-o", `HostName=${bad}`, "host"],
    ["-o", `User=${bad}`, "host"],
    ["-o", `ConnectTimeout=${bad}`, "host"],
    ["-o", `Compression=${bad}`, "host"],
    ["-o", `UserKnownHostsFile=${bad}`, "host.invalid"],
    ["-o", `HostKeyAlias=${bad}`, "host.invalid"],
    ["--log", bad, "host"],
    ["--grace", bad, "host"],
    ["--use", bad, "host"],
    ["--use", `./${bad}.ts`, "host"],
    ["--use", `limit:${bad}=1`, "host"],
    ["--rate-limit", bad, "host"],
    ["--capture", `/nonexistent/${bad}`, "host"],
    ["--capture-legs", bad, "--capture", "x.pcap", "host"],
    ["host", bad],
  ];
  return [
    ...[`${bad}:h:1`, `8080:${bad}:1`, `/${bad}:h:1`, `8080:/${bad}`].map((spec) => [
      "run",
      "-L",
      spec,
      "host.invalid",
    ]),
    ...behind.map((words) => ["run", "--json", "-vv", ...forward, ...words]),
    [bad],
    ["demo", bad],
    ["demo", "--capture", `/nonexistent/${bad}`],
    ["plugins", bad],
    ["plugins", `--${bad}`],
  ];
}

const codes =
  /\[(usage|config\.invalid|plugin\.invalid|plugin\.not-found|host\.not-found|file\.cannot-(read|write))\]$/m;

test("Control characters and escape sequences in any word are shown, never sent.", limits, async () => {
  const nasty = "\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202egnp.exe\u200b\u{e0041}\r\n";
  for (const line of everywhere(nasty)) {
    const exit = await runToEnd(line);
    const where = `${JSON.stringify(line)}: ${exit.stderr}`;
    assert.ok([1, 2, 255].includes(exit.code ?? -1), `exit code ${exit.code} of ${where}`);
    assert.match(exit.stderr, codes, where);
    assertClean(exit);
  }
});

test("A word of a hundred thousand characters is cut where it is shown.", limits, async () => {
  for (const piece of ["a", "1", "[", "\u001b"]) {
    const lines = everywhere(piece.repeat(100_000));
    const exits = await Promise.all(lines.map((line) => runToEnd(line)));
    for (const [index, exit] of exits.entries()) {
      const where = `${lines[index]?.map((word) => word.slice(0, 40)).join(" ")}: ${exit.stderr.slice(0, 200)}`;
      assert.ok([1, 2, 255].includes(exit.code ?? -1), `exit code ${exit.code} of ${where}`);
      assert.match(exit.stderr, codes, where);
      assert.ok(exit.stderr.length < 1500, `${exit.stderr.length} characters on ${where}`);
      assertClean({ stdout: "", stderr: exit.stderr });
    }
  }
});
