import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { realSources } from "../../../../src/config/file/config-sources.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("config-sources");
after(() => removeTemp(folder));
const sources = realSources({ SHELL: "/bin/sh", NAME: "value" });

test("A command is run by the user's shell with the environment, and 0 is yes.", () => {
  assert.equal(sources.succeeds('test "$NAME" = value'), true);
  assert.equal(sources.succeeds("exit 3"), false);
  assert.throws(() => realSources({ SHELL: "/no/such/shell" }).succeeds("true"), Malformed);
  assert.throws(() => sources.succeeds("kill -TERM $$"), /the command of exec, kill -TERM \$\$: SIGTERM/);
});

test("A file that opens and cannot be read is said to be so, with the reason.", {
  skip: process.platform !== "linux" && "needs Linux",
}, () => {
  const read = sources.read("/proc/self/mem", false);
  assert.ok(typeof read !== "string" && /EIO/.test(read.why) && !read.isMissing, JSON.stringify(read));
});
