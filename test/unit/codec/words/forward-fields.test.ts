import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { printPathField, slashFields, splitFields } from "../../../../src/codec/words/forward-fields.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

function texts(spec: string): string[] {
  return splitFields(spec).map((field) => (field.isPath ? `path ${field.text}` : field.text));
}

test("Colons separate fields, and a field with a slash is a path", () => {
  assert.deepEqual(texts("b:80:/run/x.sock"), ["b", "80", "path /run/x.sock"]);
  assert.deepEqual(texts(":80::"), ["", "80", "", ""]);
  assert.deepEqual(texts(""), [""]);
});

test("Brackets keep a field whole and vanish", () => {
  assert.deepEqual(texts("[::1]:80:[/a:b\\]:[]"), ["::1", "80", "path /a:b\\", ""]);
});

test("A backslash takes the next character as it is, and an escaped slash makes no path", () => {
  assert.deepEqual(texts("/a\\:b:c\\\\d:e\\/f:\\[g"), ["path /a:b", "c\\d", "e/f", "[g"]);
});

test("An open bracket, text after a bracket and a lone backslash are refused", () => {
  assert.throws(() => splitFields("80:[::1:80"), new Malformed('"[::1:80" lacks its "]"'));
  assert.throws(() => splitFields("[h]x:80"), new Malformed('"[h]x:80" goes on after the "]" without a ":"'));
  assert.throws(() => splitFields("80:/a\\"), new Malformed("it ends in a backslash that escapes nothing"));
});

test("Slashes separate when ports and hosts stand where they belong", () => {
  const of = (spec: string) => slashFields(spec)?.map((field) => field.text);
  assert.deepEqual(of("127.0.0.1/80/h/81"), ["127.0.0.1", "80", "h", "81"]);
  assert.deepEqual(of("80/::1/81"), ["80", "::1", "81"]);
  assert.deepEqual(of("[::1]/80"), ["::1", "80"]);
  assert.deepEqual(of("*/1080"), ["*", "1080"]);
});

for (const spec of [
  "80",
  "80:/a",
  "80:h/80",
  "/80/h/80",
  "./80",
  "h/http",
  "a b/80",
  "-h/80",
  "h\\/80",
  "[h]/80",
  "1/2/3/4/5",
  "//80",
]) {
  test(`"${spec}" is not separated by slashes`, () => {
    assert.equal(slashFields(spec), undefined);
  });
}

test("Any path printed as a field is read as that path", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (name) => {
      const path = `[${name}/`;
      assert.deepEqual(splitFields(`80:${printPathField(path)}:80`)[1], { text: path, isPath: true });
    }),
  );
});

test("A path that begins with a blank or a bracket is escaped, and so is no blank before the forward", () => {
  for (const path of [" /run/x.sock", "\t/x", "[a/b"]) {
    assert.equal(printPathField(path), `\\${path}`);
    assert.deepEqual(splitFields(printPathField(path)), [{ text: path, isPath: true }]);
  }
});

test("Random text is split or refused, quickly", () => {
  fc.assert(
    fc.property(hostileText(":", "/", "\\", "[", "]", "80", "::1"), (text) => {
      readOrRefused(() => splitFields(text));
      assert.ok((readOrRefused(() => slashFields(text) ?? [])?.length ?? 5) < 5);
    }),
  );
  assertFastOnLongText(splitFields, ":", "[", "\\", "\\:", "[]:", "/", "a");
  assertFastOnLongText(slashFields, "/", "1/", "a/", "::/");
});
