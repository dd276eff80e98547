import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

test("By itself it keeps no process alive.", () => {
  const file = new URL("../../../src/io/after.ts", import.meta.url).href;
  const script = `import { after } from ${JSON.stringify(file)}; after(60_000); console.log("waits");`;
  const words = "deno" in process.versions ? ["eval", script] : ["-e", script];
  const { status, stdout } = spawnSync(process.execPath, words, { encoding: "utf8", timeout: 20_000 });
  assert.deepEqual([status, stdout], [0, "waits\n"]);
});
