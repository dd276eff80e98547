import assert from "node:assert/strict";
import { test } from "node:test";
import { underHome } from "../../../src/codec/home-path.ts";

test("What begins with the home's sign is below the home, and nothing else is touched.", () => {
  for (const [path, expected] of [
    ["~", "/home/anna"],
    ["~/.ssh/id", "/home/anna/.ssh/id"],
    ["~bob/id", "~bob/id"],
    ["/etc/~/id", "/etc/~/id"],
    ["id~", "id~"],
    ["", ""],
  ] as const) {
    assert.equal(underHome(path, "/home/anna"), expected);
  }
});
