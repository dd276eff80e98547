import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { bunLicense, licensesText, packageFolders, readLicense } from "../../../src/packaging/licenses.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const root = tempDirectory("licenses");
after(() => removeTemp(root));

/** A package with these files. */
function folder(name: string, manifest: object, files: Readonly<Record<string, string>> = {}): string {
  const path = join(root, name);
  mkdirSync(path);
  writeFileSync(join(path, "package.json"), JSON.stringify({ name, version: "1.2.3", ...manifest }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

test("The packages are those whose files are in the list, wherever they are installed.", () => {
  assert.deepEqual(
    packageFolders([
      "src/main.ts",
      "node_modules/ssh2/lib/client.js",
      "node_modules/ssh2/lib/agent.js",
      "../../elsewhere/node_modules/@noble/ciphers/chacha.js",
      "node_modules/a/node_modules/b/index.js",
      "C:\\x\\node_modules\\@clack\\core\\dist\\index.mjs",
      "bun:wrap",
    ]),
    [
      "../../elsewhere/node_modules/@noble/ciphers",
      "C:\\x\\node_modules\\@clack\\core",
      "node_modules/a/node_modules/b",
      "node_modules/ssh2",
    ],
  );
});

test("Name and text of a licence are found, however the package has them.", () => {
  for (const [name, manifest, files, license, text] of [
    ["one", { license: "MIT" }, { LICENSE: "one's\n" }, "MIT", "one's"],
    ["two", { license: "ISC" }, { "license.md": "two's" }, "ISC", "two's"],
    ["three", { licenses: [{ type: "MIT" }] }, { "LICENCE.txt": "three's" }, "MIT", "three's"],
    ["four", { license: { type: "Unlicense" } }, { UNLICENSE: "four's" }, "Unlicense", "four's"],
    ["five", {}, { COPYING: "five's", "licenses.js": "code" }, "a licence of its own", "five's"],
    ["six", { license: "Apache-2.0" }, { LICENSE: "six's", NOTICE: "by six" }, "Apache-2.0", "six's\n\nby six"],
  ] as const) {
    assert.deepEqual(readLicense(folder(name, manifest, files)), { name, version: "1.2.3", license, text });
  }
});

test("A package without a text is named, unless it is stated elsewhere.", () => {
  const bare = folder("bare", { license: "MIT" }, { LICENSE: " \n" });
  assert.throws(() => readLicense(bare), /^Error: bare 1\.2\.3 has no text of a licence in its folder \/.*\/bare$/);
  assert.equal(readLicense(bare, { bare: "as it says" }).text, "as it says");
});

test("Bun's own statement is given with where it is from.", () => {
  const bun = folder("bun", { license: "MIT", repository: "https://example.org/bun" });
  const types = folder("bun-types", { license: "MIT" });
  mkdirSync(join(types, "docs", "project"), { recursive: true });
  const page = "---\ntitle: License\n---\n\nBun links this:\n\n---\n\nand that\n";
  writeFileSync(join(types, "docs", "project", "license.mdx"), page);
  const { name, version, license, text } = bunLicense("9.8.7", bun, types);
  assert.deepEqual([name, version, license], ["Bun", "9.8.7", "MIT"]);
  assert.match(
    text,
    /https:\/\/example\.org\/bun[\s\S]*bun-types 1\.2\.3, docs\/project\/license\.mdx\):\n\nBun links/,
  );
  assert.ok(text.endsWith("Bun links this:\n\n---\n\nand that"));
});

test("The whole begins with a list, and has each text under its name.", () => {
  const one = { name: "one", version: "1.0.0", license: "MIT", text: "one's\r\ntext" };
  const other = { name: "@a/b", version: "2.0.0", license: "ISC", text: "other's" };
  assert.equal(
    licensesText([one, other]),
    `This executable is made of these, and their licences follow:

  one 1.0.0, MIT
  @a/b 2.0.0, ISC


one 1.0.0, MIT
==============

one's
text


@a/b 2.0.0, ISC
===============

other's
`,
  );
});
