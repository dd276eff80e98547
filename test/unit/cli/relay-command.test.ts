import assert from "node:assert/strict";
import { test } from "node:test";
import { relay } from "../../../src/cli/relay-command.ts";
import { freePort } from "../../kit/servers.ts";
import { writtenBy } from "../../kit/written.ts";

async function ends(...words: string[]) {
  let code: number | undefined;
  let helps = 0;
  const { stdout, stderr } = await writtenBy(async () => {
    code = await relay(words, () => helps++);
  });
  return { code, helps, stdout, stderr };
}

test("Help is shown and nothing else is done.", async () => {
  const told = await ends("-L", "8080:localhost:80", "--help");
  assert.deepEqual(told, { code: 0, helps: 1, stdout: "", stderr: "" });
});

test("Words that make no sense are one line and a hint of relay's own, with --json events as well.", async () => {
  const told = await ends("-p", "22");
  assert.deepEqual([told.code, told.stdout], [2, ""]);
  assert.match(told.stderr, /^porthop: -p 22: a relay has no ssh session.*\[usage\]\n {2}hint: porthop relay --help /);
  const json = await ends("-p", "22", "--json");
  assert.deepEqual([json.code, json.stdout.match(/"event":"\w+"/g)], [2, ['"event":"error"', '"event":"exit"']]);
});

test("Without a forward there is nothing to do, and it is said how one looks.", async () => {
  const told = await ends();
  assert.equal(told.code, 2);
  assert.match(
    told.stderr,
    /^porthop: nothing to relay: -L is missing \[usage\]\n {2}hint: for example: porthop relay -L /,
  );
});

test("A place that cannot be listened on ends it with 255, told once.", async () => {
  const told = await ends("-L", `192.0.2.1:${await freePort()}:localhost:80`);
  assert.equal(told.code, 255);
  assert.match(told.stderr, /^porthop: cannot listen on 192\.0\.2\.1:\d+: .*\[listen\.denied\]\n {2}hint: [^\n]*\n$/);
});
