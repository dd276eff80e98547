import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { databaseRows, passwdRow } from "../../../src/config/user-database.ts";

test("A row of passwd(5) is a name, a number and a home; macOS's id -P has three fields more.", () => {
  assert.deepEqual(passwdRow("anna:x:1000:1000:Anna A,,,:/home/anna:/bin/bash\n"), {
    name: "anna",
    uid: 1000,
    home: "/home/anna",
  });
  assert.deepEqual(passwdRow("anna:********:501:20::0:0:Anna A:/Users/anna:/bin/zsh\n"), {
    name: "anna",
    uid: 501,
    home: "/Users/anna",
  });
  assert.equal(passwdRow("DOM\\anna b:*:9:9::/home/DOM/anna:/bin/sh")?.name, "DOM\\anna b");
});

test("Of a home that is no path, or that could act on a terminal, nothing is taken but the name.", () => {
  for (const home of ["", "home/anna", ".", "/home/\u001b[2J", "/a\u0000"]) {
    assert.deepEqual(passwdRow(`anna:x:1000:1000::${home}:/bin/sh`), { name: "anna", uid: 1000, home: undefined });
  }
});

test("What is no row of a user is none.", () => {
  for (const text of [
    undefined,
    "",
    "anna",
    "anna:x:1000:1000::/home/anna",
    ":x:1000:1000::/h:/s",
    "-oProxyCommand=id:x:1:1::/h:/s",
    "a\tb:x:1:1::/h:/s",
    " a:x:1:1::/h:/s",
    "a\u202eb:x:1:1::/h:/s",
    "anna:x::1::/h:/s",
    "anna:x:-1:1::/h:/s",
    "anna:x:1e3:1::/h:/s",
    "+::::::",
    `${"a".repeat(300)}:x:1:1::/h:/s`,
  ]) {
    assert.equal(passwdRow(text), undefined, text);
  }
});

test("Whatever a program prints, a name fits into a line and a home is a whole path.", () => {
  const field = fc.oneof(fc.string(), fc.constantFrom("0", "1000", "/home/x", "anna", "\n", "\u001b[31m"));
  fc.assert(
    fc.property(fc.array(field, { maxLength: 11 }), (fields) => {
      const row = passwdRow(fields.join(":"));
      if (row === undefined) return;
      assert.match(row.name, /^[^-:\s\p{C}][^:\p{C}]*$/u);
      assert.ok(Number.isSafeInteger(row.uid) && row.uid >= 0);
      if (row.home !== undefined) assert.match(row.home, /^\/[^\p{Cc}]*$/u);
    }),
  );
});

test("A file that cannot be read has no rows.", () => {
  assert.deepEqual(databaseRows("/nonexistent/passwd"), []);
});
