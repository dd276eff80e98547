/**
 * Runs of porthop that must fail in the right way: told in one line with a code and one hint, in words and in events
 * alike, with nothing from inside porthop and nothing raw from outside.
 */
import assert from "node:assert/strict";
import type { ErrorCode } from "../../src/errors.ts";
import { type Exit, type PorthopEvent, type PorthopOptions, porthop } from "../kit/porthop.ts";

export interface Failure {
  readonly exit: number;
  readonly code: ErrorCode;
  /** What the line of the error must contain: names and numbers. */
  readonly says: readonly (string | RegExp)[];
  readonly hint?: RegExp;
  /** Undefined when no connection failed. */
  readonly leg?: 1 | 2 | 3;
  /** The lines before the error, one pattern for each: warnings, and what went well until then. Nothing by default. */
  readonly before?: readonly RegExp[];
}

/** Runs `porthop run ...` twice, for people and with --json, and checks that both tell the error as promised. */
export async function assertFails(
  args: readonly string[],
  expected: Failure,
  options: PorthopOptions = {},
): Promise<void> {
  // One after the other: two at once would find each other on the port that both are to be refused.
  const told = await runToEnd(["run", ...args], options);
  const evented = await runToEnd(["run", "--json", ...args], options);
  const { message, hint } = assertTold(told, expected);
  assertTold(evented, expected);
  const error = assertEvents(evented, expected.exit);
  assert.deepEqual([error.code, error["leg"]], [expected.code, expected.leg]);
  // The words are those of the event, made safe for a terminal. Without an escape in them both texts are equal.
  if (!`${message}${hint}`.includes("\\")) assert.deepEqual([error.message, error["hint"]], [message, hint]);
}

export async function runToEnd(args: readonly string[], options: PorthopOptions = {}): Promise<Exit> {
  await using program = porthop(args, options);
  return await program.exit;
}

/** Checks that stderr holds the lines before the error, the error and its hint, and nothing else. */
export function assertTold(exit: Exit, expected: Omit<Failure, "leg">): { message: string; hint: string } {
  const all = `${exit.stderr}\nwith stdout: ${exit.stdout}`;
  assert.deepEqual([exit.code, exit.signal], [expected.exit, null], all);
  assertClean(exit);
  const lines = exit.stderr.split("\n");
  assert.equal(lines.pop(), "", "stderr ends with a line end");
  const patterns = expected.before ?? [];
  assert.equal(lines.length, patterns.length + 2, `as many lines as wanted: ${all}`);
  for (const [index, pattern] of patterns.entries()) assert.match(lines[index] ?? "", pattern);
  const [error = "", hinted = ""] = lines.slice(-2);
  const [, message = "", code] = /^porthop: (.*) \[([a-z.-]+)\]$/.exec(error) ?? [];
  assert.equal(code, expected.code, all);
  assert.ok(message.length < 700, `an error is to be read, not ${message.length} characters`);
  for (const part of expected.says) {
    if (typeof part === "string") assert.ok(message.includes(part), `${JSON.stringify(part)} in: ${message}`);
    else assert.match(message, part);
  }
  const [, hint = ""] = /^ {2}hint: (.+)$/.exec(hinted) ?? [];
  assert.notEqual(hint, "", `a hint: ${all}`);
  if (expected.hint !== undefined) assert.match(hint, expected.hint);
  return { message, hint };
}

/**
 * Checks that every line of stdout is an event, one of them the error, and the last one the exit
 * with the code. Returns the error.
 */
export function assertEvents(exit: Exit, code: number): PorthopEvent {
  const lines = exit.stdout.split("\n");
  assert.equal(lines.pop(), "", "stdout ends with a line end");
  const events = lines.map((line) => JSON.parse(line) as PorthopEvent);
  for (const { time } of events) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  const errors = events.filter(({ event }) => event === "error");
  assert.equal(errors.length, 1, exit.stdout);
  const last = events.at(-1);
  assert.deepEqual([last?.event, last?.code], ["exit", code], exit.stdout);
  const [error] = errors;
  assert.ok(error !== undefined);
  assert.deepEqual([typeof error["hint"], error["hint"] === ""], ["string", false]);
  return error;
}

/**
 * Checks that there is no stack, no name from inside porthop, no half-made text, and no
 * control character but the line end.
 */
export function assertClean(exit: Pick<Exit, "stdout" | "stderr">): void {
  for (const text of [exit.stdout, exit.stderr]) {
    assert.doesNotMatch(text, /^ +at |node:|bunfs|src\/|\.ts:\d|\bundefined\b|\[object |\bNaN\b/m);
    assert.doesNotMatch(text, controls);
  }
}

/** All characters that could act on a terminal or show a false text there. */
export const controls = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
