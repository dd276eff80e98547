import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { matchingPaths } from "../../../../src/config/file/include-paths.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("include-paths");
after(() => removeTemp(folder));
for (const name of [
  "b.conf",
  "a.conf",
  ".hidden.conf",
  "c]",
  "[x]",
  "a1/z.conf",
  "a2/y.conf",
  "d*e",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), "");
}

for (const [pattern, found] of [
  ["a.conf", ["a.conf"]],
  ["none", []],
  ["*.conf", ["a.conf", "b.conf"]],
  [".*.conf", [".hidden.conf"]],
  ["?.conf", ["a.conf", "b.conf"]],
  ["[ab].conf", ["a.conf", "b.conf"]],
  ["[!a].conf", ["b.conf"]],
  ["[a-z].conf", ["a.conf", "b.conf"]],
  ["[c-d][]]", ["c]"]],
  ["[[]x]", ["[x]"]],
  ["a[0-9]/*", ["a1/z.conf", "a2/y.conf"]],
  ["*/y.conf", ["a2/y.conf"]],
  ["a1", ["a1"]],
  ["a[[:digit:]]/[y[:upper:]]*", ["a2/y.conf"]],
  ["[![:alpha:]]*", ["[x]"]],
  ["[[:nothing:]]*", []],
  ["a[[:digit:]", []],
  ["*/", []],
  ["a1/", []],
  ["d\\*e", ["d*e"]],
  ["*/../a.conf", ["a1/../a.conf", "a2/../a.conf"]],
  ["a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", []],
] as const) {
  test(`${pattern} is ${found.join(", ") || "nothing"}.`, () => {
    const paths = matchingPaths(`${folder}/${pattern}`);
    assert.deepEqual(
      paths,
      found.map((name) => `${folder}/${name}`),
    );
  });
}

test("A folder that is not there holds nothing.", () => {
  assert.deepEqual(matchingPaths(`${folder}/no/*`), []);
});
