import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { clipboardSequence, copyByTool } from "../../../../src/cli/wizard/clipboard.ts";
import { tempDirectory } from "../../../kit/temp.ts";

const path = process.env["PATH"];

afterEach(() => {
  process.env["PATH"] = path;
});

function tool(folder: string, name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

test("The first tool that takes the text has it, whole and as it is.", async () => {
  const bin = tempDirectory("bin");
  const file = join(bin, "copied");
  tool(bin, "xclip", "exit 1");
  tool(bin, "xsel", `/bin/cat >${file}`);
  process.env["PATH"] = bin;
  const text = "ssh -L '*:80:a:80' $x \u00e4";
  assert.equal(await copyByTool(text), "xsel");
  assert.equal(readFileSync(file, "utf8"), text);
});

test("A tool that ends without reading is no failure of ours, and without tools none took it.", async () => {
  const bin = tempDirectory("bin");
  process.env["PATH"] = bin;
  assert.equal(await copyByTool("x"), undefined);
  tool(bin, "wl-copy", "exit 0");
  assert.equal(await copyByTool("x".repeat(1_000_000)), "wl-copy");
});

test("A tool that hangs is given up.", { timeout: 10_000 }, async () => {
  const bin = tempDirectory("bin");
  tool(bin, "wl-copy", "exec /bin/sleep 60");
  process.env["PATH"] = bin;
  assert.equal(await copyByTool("x"), undefined);
});

test("The terminal is handed base64, in which nothing of the text acts.", () => {
  assert.equal(clipboardSequence("a\u0007b"), "\u001b]52;c;YQdi\u0007");
});
