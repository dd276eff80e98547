/**
 * Holds the tables of events in README.md and plugins/README.md on the types and on what is printed, so that no field is
 * left out of either. The reader of a table is first shown one that lacks a field.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { stepFields } from "../../../src/cli/check-report.ts";
import { Output } from "../../../src/cli/output.ts";
import { jsonEvent, jsonExit, jsonTell } from "../../../src/cli/report.ts";
import { PorthopError } from "../../../src/errors.ts";
import { projectRoot } from "../../kit/runtime.ts";
import { writtenBy } from "../../kit/written.ts";

const types = read("src/plugin/tunnel-event.ts");
const legFields = fieldsIn(/interface LegReport \{([\s\S]*?)\n\}/.exec(types)?.[1] ?? "");
const events = new Map(
  [...types.matchAll(/\{\s*readonly event: "([^"]+)"([^}]*)\}/g)].map(([, name = "", body = ""]) => [
    name,
    [...fieldsIn(body), ...(/LegReport/.test(body) ? legFields : [])],
  ]),
);

test("A field that a table does not have is found.", () => {
  const table = "| `ready` | all is up |\n| `error` | `code`, `message` |";
  assert.deepEqual(lacking(table, new Map([["ready", ["forwards"]]])), ["ready: forwards"]);
  assert.deepEqual(lacking(table, new Map([["error", ["code", "message"]]])), []);
  assert.deepEqual(lacking(table, new Map([["exit", ["code"]]])), ["exit: no row"]);
});

test("The types have the events with their fields.", () => {
  assert.deepEqual([...events.keys()].slice(0, 2), ["session", "listening"]);
  assert.ok(events.size >= 6);
  assert.deepEqual(events.get("ready"), ["forwards"]);
  assert.deepEqual(legFields, ["leg", "from", "to", "observed", "session"]);
});

test("plugins/README.md names every field of every event.", () => {
  assert.deepEqual(lacking(read("plugins/README.md"), events), []);
});

test("README.md names every field that --json prints.", async () => {
  const error = new PorthopError("usage", "a word too many", { leg: 1 });
  const step = { step: "target", hop: 1, forward: "L1", leg: 3, message: "no", ms: 1, error } as const;
  const { stdout } = await writtenBy(async () => {
    const output = new Output("info");
    jsonTell(output, { event: "error", error, flow: "L1#1" });
    for (const outcome of ["no", "skip"] as const) jsonEvent(output, "check", stepFields({ ...step, outcome }));
    jsonExit(output, 0);
  });
  const printed = new Map(events);
  for (const line of stdout.trimEnd().split("\n")) {
    const { event, time: _, ...fields } = JSON.parse(line);
    const known = event === "error" ? [] : (printed.get(event) ?? []);
    printed.set(event, [...new Set([...known, ...Object.keys(fields)])]);
  }
  assert.ok(printed.get("check")?.includes("skipped"));
  assert.deepEqual(lacking(read("README.md"), printed), []);
});

function read(path: string): string {
  return readFileSync(join(projectRoot, path), "utf8");
}

function fieldsIn(body: string): readonly string[] {
  return [...body.matchAll(/^\s*readonly (\w+)\??:/gm), ...body.matchAll(/;\s*readonly (\w+)\??:/g)]
    .map(([, name = ""]) => name)
    .filter((name, index, all) => all.indexOf(name) === index);
}

/** A row has the event's name in its first cell, and its fields between backticks in the second. */
function lacking(page: string, wanted: ReadonlyMap<string, readonly string[]>): readonly string[] {
  return [...wanted].flatMap(([event, fields]) => {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${event}\` |`));
    if (row === undefined) return [`${event}: no row`];
    const named = new Set([...row.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    return fields.filter((field) => !named.has(field)).map((field) => `${event}: ${field}`);
  });
}
