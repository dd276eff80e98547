import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../kit/run.ts";
import { projectRoot } from "../../kit/runtime.ts";

test("A released one keeps no process alive.", async () => {
  const script = `
    import { Grace } from "./src/forward/grace.ts";
    new Grace(3_600_000, new AbortController().signal).release();`;
  const { code, stderr } = await run(process.execPath, ["-e", script], { cwd: projectRoot });
  assert.deepEqual([code, stderr], [0, ""]);
});
