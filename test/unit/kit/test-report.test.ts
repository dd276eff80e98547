import assert from "node:assert/strict";
import { test } from "node:test";
import { readTestReport, sayReports, sayTime } from "../../kit/test-report.ts";

/** As bun 1.4.5 writes it of a file with a group, a failure and two that were skipped. */
const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="6" assertions="0" failures="2" skipped="2" time="0.055356156">
  <testsuite name="test/c.test.ts" file="test/c.test.ts" tests="2" assertions="0" failures="1" skipped="0" time="0.04">
    <testcase name="fine" classname="" time="0.001881" file="test/c.test.ts" line="2" assertions="0" />
    <testsuite name="group" file="test/c.test.ts" line="3" tests="1" assertions="0" failures="1" skipped="0" time="0">
      <testcase name="in" classname="group" time="0.000535" file="test/c.test.ts" line="3" assertions="0">
        <failure type="Error" message="in">Error: in&#10;      at test/c.test.ts:3:56&#10;</failure>
      </testcase>
    </testsuite>
  </testsuite>
  <testsuite name="test/a.test.ts" file="test/a.test.ts" tests="4" assertions="0" failures="1" skipped="2" time="0.001">
    <testcase name="good" classname="" time="0.000054" file="test/a.test.ts" line="2" assertions="0" />
    <testcase name="&quot;x&quot; &lt;y&gt; &amp;amp; &apos;z&apos;" classname="" time="0" file="test/a.test.ts" line="3">
      <failure type="Error" message="no">Error: no&#10;</failure>
    </testcase>
    <testcase name="skipped" classname="" time="0" file="test/a.test.ts" line="4" assertions="0">
      <skipped />
    </testcase>
    <testcase name="not here" classname="" time="0" file="test/a.test.ts" line="5" assertions="0">
      <skipped />
    </testcase>
  </testsuite>
</testsuites>
`;
const failed = ["test/c.test.ts: in", `test/a.test.ts: "x" <y> &amp; 'z'`];

test("A report has the number of tests, those that were skipped, and the names of those that failed.", () => {
  assert.deepEqual(readTestReport(report, 1), { tests: 6, skipped: 2, failed });
});

test("A runner that fails without a failed test, or without a report, is a failure all the same.", () => {
  const [good = ""] = report.split("  <testsuite ");
  assert.deepEqual(readTestReport(`${good}</testsuites>`, 0).failed, []);
  assert.match(readTestReport(`${good}</testsuites>`, 1).failed.join(), /besides the tests \(exit code 1\)/);
  assert.equal(readTestReport("", 137).failed.length, 1);
});

test("The last line adds up all reports, the names of what failed come before it.", () => {
  const all = [readTestReport(report, 1), { tests: 10, skipped: 0, failed: [] }];
  const names = failed.map((name) => `failed: ${name}\n`).join("");
  assert.equal(sayReports(all, 61_000), `${names}12 passed, 2 failed, 2 skipped: npm test took 1 minute and 1 second.`);
  assert.equal(
    sayReports([readTestReport("", 1)], 0)
      .split("\n")
      .at(-1)
      ?.startsWith("0 passed, 1 failed, 0 "),
    true,
  );
});

for (const [ms, words] of [
  [400, "0 seconds"],
  [1_000, "1 second"],
  [59_400, "59 seconds"],
  [59_600, "1 minute and 0 seconds"],
  [671_000, "11 minutes and 11 seconds"],
] as const) {
  test(`${ms} ms are ${words}.`, () => {
    assert.equal(sayTime(ms), words);
  });
}
