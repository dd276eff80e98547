import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineBudget, linesEachMinute } from "../../../../plugins/log/line-budget.ts";

test("A minute has its lines, then one last word, and what was left out is counted in the next minute.", () => {
  const budget = new LineBudget();
  for (let count = 0; count < linesEachMinute; count++)
    assert.deepEqual(budget.take(count), { kind: "say", leftOut: 0 });
  assert.deepEqual(budget.take(1000), { kind: "last-word" });
  assert.deepEqual(budget.take(59_999), { kind: "leave-out" });
  assert.equal(budget.leftOut, 2);
  assert.deepEqual(budget.take(60_000), { kind: "say", leftOut: 2 });
  assert.equal(budget.leftOut, 0);
  assert.deepEqual(budget.take(60_001), { kind: "say", leftOut: 0 });
});

test("Whatever comes when, no line is lost from the count, and no minute has more than its lines.", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5000), { maxLength: 300 }), (steps) => {
      const budget = new LineBudget();
      let now = 0;
      let told = 0;
      const said: number[] = [];
      for (const step of steps) {
        now += step;
        const allowance = budget.take(now);
        if (allowance.kind !== "say") continue;
        told += 1 + allowance.leftOut;
        said.push(now);
      }
      assert.equal(told + budget.leftOut, steps.length);
      for (const first of said) {
        const near = said.filter((time) => time >= first && time < first + 60_000).length;
        assert.ok(near <= 2 * linesEachMinute);
      }
    }),
  );
});
