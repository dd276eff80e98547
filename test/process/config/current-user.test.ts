import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { currentUser, groupMembers, homeOf, ownUid } from "../../../src/config/current-user.ts";
import { need } from "../../kit/packages.ts";
import { run } from "../../kit/run.ts";
import { currentRuntime, projectRoot, scriptCommand } from "../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const limits = { skip: need("id"), timeout: 30_000 };

test("It is the user's name as id(1) has it.", limits, async () => {
  assert.equal(currentUser(), (await run("id", ["-un"])).stdout.trim());
});

for (const [what, user] of [
  ["says somebody else", "nobody-of-that-name"],
  ["is not set", undefined],
] as const) {
  test(`It is the same when $USER ${what}.`, limits, async () => {
    const directory = tempDirectory("current-user");
    const script = join(directory, "say.ts");
    const source = join(projectRoot, "src", "config", "current-user.ts");
    writeFileSync(script, `import { currentUser } from ${JSON.stringify(source)};\nconsole.log(currentUser());\n`);
    const [command = "", ...args] = scriptCommand(currentRuntime, script);
    const { USER: _user, LOGNAME: _logname, ...env } = process.env;
    const told = await run(command, args, { env: user === undefined ? env : { ...env, USER: user, LOGNAME: user } });
    assert.equal(told.stdout, `${currentUser()}\n`, told.stderr);
    removeTemp(directory);
  });
}

test("Homes and groups are those of the user database.", {
  skip: process.platform !== "linux" && "needs /etc/passwd",
}, () => {
  assert.equal(homeOf("root"), "/root");
  assert.equal(homeOf("no-such-user-1"), undefined);
  assert.ok(groupMembers(0).includes("root"));
  assert.deepEqual(groupMembers(54_321), []);
  assert.equal(ownUid(), process.getuid?.());
});
