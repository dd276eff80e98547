import assert from "node:assert/strict";
import { test } from "node:test";
import { parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import { socatWords } from "../../../src/tunnel/socat-command.ts";

for (const [text, opens, line] of [
  ["8080:intranet:80", false, "socat TCP4-LISTEN:8080,bind=localhost,fork,reuseaddr TCP:intranet:80"],
  ["8080:intranet:80", true, "socat TCP-LISTEN:8080,fork,reuseaddr TCP:intranet:80"],
  ["*:8080:[::1]:80", false, "socat TCP-LISTEN:8080,fork,reuseaddr TCP:[::1]:80"],
  ["[::1]:8080:a:80", false, "socat TCP6-LISTEN:8080,bind=[::1],fork,reuseaddr TCP:a:80"],
  ["/a,b:/c", false, "socat UNIX-LISTEN:/a\\,b,fork,mode=600 UNIX-CONNECT:/c"],
] as const) {
  test(`${text}${opens ? " with -g" : ""} is ${line}.`, () => {
    assert.equal(socatWords(parseForwardSpec("L", text), opens).join(" "), line);
  });
}

test("SOCKS has no one target, and is refused.", () => {
  assert.throws(() => socatWords(parseForwardSpec("D", "1080"), false), /one target/);
});
