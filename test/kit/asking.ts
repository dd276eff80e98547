/** Plays a part of the wizard's conversation. The part must ask exactly one question for each answer. */
import assert from "node:assert/strict";
import type { Asking, Question } from "../../src/wizard/question.ts";

export interface Played<T> {
  readonly asked: readonly Question[];
  readonly result: T;
}

export function played<T>(asking: Asking<T>, answers: readonly string[]): Played<T> {
  const asked: Question[] = [];
  let at = asking.next();
  for (const answer of answers) {
    assert.ok(!at.done, `nothing is asked any more before ${answer}`);
    asked.push(at.value);
    at = asking.next(answer);
  }
  assert.ok(at.done, "there is a further question");
  return { asked, result: at.value };
}
