/**
 * Every message about a server, a session or a channel was told once of a real failure, in the executable. The messages
 * are read from the source: one that is added has to be provoked too.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { newerOpenSsh } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { projectRoot } from "../kit/runtime.ts";
import { sourceFiles } from "../kit/source-file.ts";
import { sourceMessages } from "../kit/source-messages.ts";
import { assertClean } from "./failure.ts";
import { channels, jumps, legs, listeners } from "./told-channels.ts";
import { endings, handshakes, newHandshakes } from "./told-handshakes.ts";
import { hostKeys } from "./told-host-keys.ts";

builtExecutable();
const skip = need("sshd", "ssh-keygen", "nc", "script", "stty");
const limits = { skip, timeout: 120_000 };

const provocations = {
  ...{ ...handshakes, ...(newerOpenSsh() === undefined ? {} : newHandshakes) },
  ...{ ...endings, ...channels, ...listeners, ...legs, ...jumps, ...hostKeys },
};
const told: string[] = [];

for (const [what, provoke] of Object.entries(provocations)) {
  test(`It is told in clean words: ${what}.`, limits, async () => {
    const text = await provoke();
    assert.notEqual(text, "");
    assertClean({ stdout: "", stderr: text });
    told.push(text);
  });
}

test("A message is found in the source with its holes, and whether somebody was told it.", () => {
  const hole = "$" + "{";
  const source = `if (a("x")) throw new Error(\`no ${hole} b ? "such file" : c } here\`); // "not this"`;
  const messages = sourceMessages(source);
  assert.deepEqual(
    messages.map(({ words }) => words),
    ["such file", "or ...", "no ... here"].filter((words) => words !== "or ..."),
  );
  assert.deepEqual(
    messages.map((message) => message.isIn("there is no such file here")),
    [true, true],
  );
  assert.equal(messages[1]?.isIn("there is no such file"), false);
});

/** Texts that no user reads, or that no test can bring about for sure, each with its reason. */
const untold: Readonly<Record<string, readonly string[]>> = {
  "ssh2's own words, with which its errors are compared": [
    ...["key exchange algorithm", "host key format", "S->C cipher", "C->S MAC", "S->C MAC"],
    ...["C->S compression algorithm", "S->C compression algorithm", "Bad packet length"],
    "Connection lost before handshake",
  ],
  "told to the server alone": ["Connection failed"],
  "the moment between a session's end and the news of it": [
    "the session with ... ended while connecting to ...",
    "the connection was closed at once",
  ],
  "told by check, or for debugging": [
    ...["certified by an authority that known_hosts trusts", "known in ...", "new, and confirmed just now"],
    ...["new: StrictHostKeyChecking is ...", "...:... is left out: ..."],
  ],
  "in a tunnel that never connects twice": ["earlier in this run it was"],
  "ssh2 refuses such a key first": ["... sent a host key that cannot be read"],
  "a runtime that ends a connection without an error": ["connection closed by the other end"],
};

test("Every message was told, and what is called untold is there.", limits, () => {
  const files = sourceFiles("src").filter(({ path }) =>
    /(-failure|-fault|sshd-dialer|host-keys|short-key)\.ts$/.test(path),
  );
  const checked = files.filter(({ path }) => /^src\/(ssh|io|forward)\//.test(path));
  assert.ok(checked.length >= 9, checked.map(({ path }) => path).join(" "));
  const excused = new Set(Object.values(untold).flat());
  const missing: string[] = [];
  for (const { path } of checked) {
    // The words for errno values are the system's own; test/unit/io/socket-failure.test.ts has them.
    const source = readFileSync(join(projectRoot, path), "utf8").replace(/const errnoWords[^;]*;/, "");
    for (const message of sourceMessages(source)) {
      if (told.some((text) => message.isIn(text))) continue;
      if (!excused.delete(message.words)) missing.push(`${path}: ${message.words}`);
    }
  }
  assert.deepEqual([missing, [...excused]], [[], []]);
});
