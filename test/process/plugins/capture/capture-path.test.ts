import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { openCapture } from "../../../../plugins/capture/capture-path.ts";
import { need } from "../../../kit/packages.ts";
import { ScriptedHost } from "../../../kit/plugin-host.ts";
import { run } from "../../../kit/run.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("capture-path");
after(() => removeTemp(folder));
const missing = need("mkfifo");

function assertRefused(path: string, message: RegExp, hint: RegExp): void {
  assert.throws(() => openCapture(path, new ScriptedHost()), { code: "file.cannot-write", message, hint });
}

test("A fifo is refused at once, though nobody reads it.", { skip: missing }, async () => {
  const path = join(folder, "fifo.pcapng");
  await run("mkfifo", [path]);
  assertRefused(path, /: it is no regular file$/, /use -/);
});

test("A folder that nothing may be written to is refused with the reason.", async (context) => {
  const path = join(folder, "read-only");
  mkdirSync(path);
  // Root may write anywhere but into an immutable folder, which not every file system has.
  const isRoot = process.getuid?.() === 0;
  const locked = await run(isRoot ? "chattr" : "chmod", [isRoot ? "+i" : "0500", path]);
  if (locked.code !== 0) return context.skip(locked.stderr);
  try {
    assertRefused(join(path, "out.pcapng"), /: (operation not permitted|permission denied)$/, /rights/);
  } finally {
    if (isRoot) await run("chattr", ["-i", path]);
  }
});
