import assert from "node:assert/strict";
import { test } from "node:test";
import { findKeyword } from "../../../../src/config/file/keyword.ts";
import { weightOf } from "../../../../src/config/file/other-keywords.ts";
import { opensshes } from "../../../kit/openssh.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";

test("All keywords of ssh_config(5) are known, here or there.", { skip: need("ssh") }, async () => {
  // What -G prints are the names of keywords, but for the host it was asked about.
  const printed = await Promise.all(opensshes().map(({ ssh }) => run(ssh, ["-G", "-F", "none", "web"])));
  const lines = printed.flatMap(({ stdout }) => stdout.split("\n"));
  const names = new Set(lines.flatMap((line) => line.split(" ", 1)[0] ?? []));
  for (const name of [...names].filter((each) => each !== "" && each !== "host")) {
    assert.ok(findKeyword(name) !== undefined || weightOf(name) !== undefined, name);
  }
});
