/**
 * What Bun's test runner writes with `--reporter=junit`: how many tests there were, and which of them failed; and both
 * in the words that `npm test` ends with.
 */
export interface TestReport {
  readonly tests: number;
  readonly skipped: number;
  /** `test/unit/io/dial.test.ts: An abort is heard at once.` */
  readonly failed: readonly string[];
}

/**
 * `status` is the runner's exit code: what fails between tests, as a file that cannot be loaded, is in no report. So it
 * is with a runner that was killed, whose report is cut off or is not there at all.
 */
export function readTestReport(xml: string, status: number): TestReport {
  const [, tests = 0, skipped = 0] = /<testsuites [^>]*?\btests="(\d+)"[^>]*?\bskipped="(\d+)"/.exec(xml) ?? [];
  const failed = [...xml.matchAll(/<testcase ([^>]*)>\s*<failure\b/g)].map(([, attributes = ""]) => {
    const attribute = (name: string) => plain(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    return `${attribute("file")}: ${attribute("name")}`;
  });
  if (failed.length === 0 && status !== 0) failed.push(`something besides the tests (exit code ${status}): see above`);
  return { tests: Number(tests), skipped: Number(skipped), failed };
}

export function sayReports(reports: readonly TestReport[], ms: number): string {
  const sum = (of: (report: TestReport) => number) => reports.reduce((all, each) => all + of(each), 0);
  const failed = reports.flatMap((report) => report.failed);
  const skipped = sum((report) => report.skipped);
  const passed = Math.max(0, sum((report) => report.tests) - skipped - failed.length);
  const names = failed.map((name) => `failed: ${name}\n`).join("");
  return `${names}${passed} passed, ${failed.length} failed, ${skipped} skipped: npm test took ${sayTime(ms)}.`;
}

/** `2 minutes and 1 second`. */
export function sayTime(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const parts = [count(Math.floor(seconds / 60), "minute"), count(seconds % 60, "second")];
  return seconds < 60 ? (parts[1] ?? "") : parts.join(" and ");
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function plain(text: string): string {
  const characters: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(\w+);/g, (entity, name: string) => characters[name] ?? entity);
}
