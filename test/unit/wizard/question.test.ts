import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../src/codec/malformed.ts";
import { choice, entry, flawIn, isSameQuestion, portEntry } from "../../../src/wizard/question.ts";

const color = choice("color", "Which colour?", [
  { value: "red", label: "Red" },
  { value: "blue", label: "Blue" },
]);

test("A choice takes the values of its list and nothing else, and Enter takes the first one.", () => {
  assert.equal(flawIn(color, "blue"), undefined);
  assert.equal(flawIn(color, "Blue"), "that is not on the list");
  assert.equal(color.usual, "red");
});

test("A text is refused with the reason of its own check, and before it when no line could carry it.", () => {
  const name = entry("name", "Which name?", (text) => {
    if (text === "nobody") throw new Malformed("nobody is no name");
  });
  assert.equal(flawIn(name, "anna"), undefined);
  assert.equal(flawIn(name, "nobody"), "nobody is no name");
  assert.match(flawIn(name, "") ?? "", /type something/);
  assert.match(flawIn(name, "a\nb") ?? "", /line break/);
});

test("What is no malformed text but a defect is not taken for an answer.", () => {
  const broken = entry("broken", "?", () => {
    throw new TypeError("a defect");
  });
  assert.throws(() => flawIn(broken, "x"), TypeError);
});

test("A port is a number from 1 to 65535.", () => {
  const port = portEntry("port", "Which port?", 80);
  assert.equal(port.usual, "80");
  for (const good of ["1", "80", "65535"]) assert.equal(flawIn(port, good), undefined);
  for (const bad of ["0", "65536", "-1", "1e3", "80 ", "http"]) assert.notEqual(flawIn(port, bad), undefined);
});

test("Two questions are the same when they read the same.", () => {
  assert.ok(isSameQuestion(color, { ...color }));
  assert.ok(!isSameQuestion(color, { ...color, usual: "blue" }));
  assert.ok(!isSameQuestion(portEntry("port", "Which port?", 80), portEntry("port", "Which port?", 81)));
});
