import assert from "node:assert/strict";
import { test } from "node:test";
import { commandFlags, explainFlags, formats } from "../../../src/cli/print-flags.ts";

test("The help of porthop command names each format that it prints.", () => {
  const about = commandFlags.find(({ name }) => name === "format")?.about ?? "";
  for (const format of formats) assert.match(about, new RegExp(`\\b${format}\\b`));
});

test("Both commands that print have a form for scripts.", () => {
  for (const flags of [commandFlags, explainFlags]) assert.ok(flags.some(({ name }) => name === "json"));
});
