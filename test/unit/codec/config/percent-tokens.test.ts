import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  expandTokens,
  expandTokensAndVariables,
  expandVariables,
} from "../../../../src/codec/config/percent-tokens.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { rounds } from "../../../kit/effort.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

/** `${NAME}`. */
const variable = (name: string) => `$${`{${name}}`}`;
const tokens = { h: "web", p: "22", n: `%h${variable("A")}` };
const environment = { A: "a", B: "%h", EMPTY: "" };

test("A token stands for its text, which is not looked at again, and %% for a percent sign.", () => {
  assert.equal(expandTokens("%h:%p %% %n", tokens), `web:22 % %h${variable("A")}`);
  assert.equal(expandTokens("plain", tokens), "plain");
});

test("A token that is not known, and one that ends too early, are refused.", () => {
  assert.throws(() => expandTokens("%z", tokens), /"%z" means nothing here, only %h, %p, %n, %%/);
  assert.throws(() => expandTokens("%constructor", tokens), Malformed);
  assert.throws(() => expandTokens("100%", tokens), /ends in a "%"/);
});

test("Variables are filled in beside tokens, and what they hold is not looked at again.", () => {
  assert.equal(
    expandTokensAndVariables(`%h/${variable("A")}/${variable("B")}/%%${variable("EMPTY")}`, tokens, environment),
    "web/a/%h/%",
  );
  assert.equal(expandVariables(`${variable("A")}%h$A{}`, environment), "a%h$A{}");
});

test("A variable that is not set or not closed is refused.", () => {
  for (const text of [variable("NONE"), variable(""), "${A", variable("constructor")]) {
    assert.throws(() => expandTokensAndVariables(text, tokens, environment), Malformed, text);
    assert.throws(() => expandVariables(text, environment), Malformed, text);
  }
});

const text = hostileText("%", "h", "%h", "${", "A", "}", variable("A"), "$");

test("Any text is filled in or refused in one short line.", () => {
  fc.assert(
    fc.property(text, (given) => {
      readOrRefused(() => expandTokens(given, tokens));
      readOrRefused(() => expandVariables(given, environment));
      const filled = readOrRefused(() => expandTokensAndVariables(given, tokens, environment));
      if (filled !== undefined && !/[%$]/.test(given)) assert.equal(filled, given);
    }),
    { numRuns: rounds(3000) },
  );
});

test("Very long texts take no time.", () => {
  assertFastOnLongText(
    (given) => expandTokensAndVariables(given, tokens, environment),
    "%h",
    "${",
    variable("A"),
    "%%",
    "$",
  );
});
