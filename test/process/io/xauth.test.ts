import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parseDisplay } from "../../../src/codec/session/x11-display.ts";
import { askXauth, readCookie } from "../../../src/io/xauth.ts";
import { tempDirectory } from "../../kit/temp.ts";

const cookie = "c0ffeec0ffeec0ffeec0ffeec0ffee00";
const listed = `vishnu/unix:7  MIT-MAGIC-COOKIE-1  ${cookie}\n`;

/** A program in xauth's place, which notes what it is asked and does what `script` says. */
function scripted(script: string) {
  const directory = tempDirectory("xauth");
  const program = join(directory, "xauth");
  const asked = join(directory, "asked");
  writeFileSync(program, `#!/bin/sh\necho "$@" >>${asked}\n${script}\n`);
  chmodSync(program, 0o755);
  return {
    ask: (trusted: boolean, timeoutMs = 1_200_000, display = ":7") =>
      askXauth({ program, display: parseDisplay(display), trusted, timeoutMs }),
    asked: () => (existsSync(asked) ? readFileSync(asked, "utf8").trimEnd().split("\n") : []),
    directory,
  };
}

test("A trusted cookie is the display's own.", async () => {
  const xauth = scripted(`echo '${listed.trim()}'`);
  const found = await xauth.ask(true);
  assert.deepEqual([found?.protocol, Buffer.from(found?.data ?? []).toString("hex")], ["MIT-MAGIC-COOKIE-1", cookie]);
  assert.deepEqual(xauth.asked(), ["list :7"]);
});

test("A display of ssh's is asked for as one of this machine.", async () => {
  const xauth = scripted("");
  await xauth.ask(true, 0, "localhost:10.0");
  assert.deepEqual(xauth.asked(), ["list unix:10.0"]);
});

for (const [what, script] of [
  ["knows no cookie", "true"],
  ["fails", "exit 1"],
] as const) {
  test(`Where xauth ${what}, a trusted cookie is made up and an untrusted one is not to be had.`, async () => {
    const xauth = scripted(script);
    const [one, other] = [await xauth.ask(true), await xauth.ask(true)];
    assert.equal(one?.data.length, 16);
    assert.notDeepEqual(one?.data, other?.data);
    assert.equal(await xauth.ask(false), undefined);
  });
}

test("Where there is no xauth it is the same.", async () => {
  const display = parseDisplay(":7");
  const question = { program: "/nonexistent/xauth", display, timeoutMs: 0 };
  assert.equal((await askXauth({ ...question, trusted: true }))?.data.length, 16);
  assert.equal(await askXauth({ ...question, trusted: false }), undefined);
});

test("An untrusted cookie is made in a private file, good for a minute more than it is used, and the file is removed.", async () => {
  // The cookie file is the second word; its folder's rights are noted before it is gone.
  const xauth = scripted(`stat -c %a "$(dirname "$2")" >>"$(dirname "$0")/rights"; echo '${listed.trim()}'`);
  assert.notEqual(await xauth.ask(false), undefined);
  const [generate = "", list = ""] = xauth.asked();
  const [, file = ""] = generate.split(" ");
  assert.equal(generate, `-f ${file} generate :7 MIT-MAGIC-COOKIE-1 untrusted timeout 1260`);
  assert.equal(list, `-f ${file} list :7`);
  assert.equal(readFileSync(join(xauth.directory, "rights"), "utf8"), "700\n700\n");
  assert.throws(() => statSync(dirname(file)), /ENOENT/);
});

test("A cookie without a timeout is asked for without one.", async () => {
  const xauth = scripted(`echo '${listed.trim()}'`);
  await xauth.ask(false, 0);
  assert.match(xauth.asked()[0] ?? "", / untrusted$/);
});

test("Of what xauth lists, the first cookie that fits into a setup packet is taken, and nonsense is none.", () => {
  const other = `vishnu:7  XDM-AUTHORIZATION-1  ${cookie}\n`;
  assert.equal(Buffer.from(readCookie(other + listed)?.data ?? []).toString("hex"), cookie);
  for (const text of ["", other, "a b", "x  MIT-MAGIC-COOKIE-1  c0f", "x  MIT-MAGIC-COOKIE-1  zz", "\n\n"]) {
    assert.equal(readCookie(text), undefined, text);
  }
});
