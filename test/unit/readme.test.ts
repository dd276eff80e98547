/**
 * Holds README.md and the chapters on the tree: what they name is there, every room is named, and the two pages that
 * everybody reads stay short. The finder of what is missing is first shown made-up offenders.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../kit/runtime.ts";
import { filesBelow } from "../kit/source-file.ts";

/** The guide to plugins names files of its readers. Its samples are run by test/unit/plugins/readme.test.ts. */
const chapters = ["README.md", ...["src", "test"].flatMap(chaptersBelow)];

const fileNames = new Set(["src", "plugins", "test"].flatMap(filesBelow).map((path) => basename(path)));

test("Every file and folder that a chapter names is there.", () => {
  const offenders = "`src/gone.ts`, `gone.ts`, `src/gone/`, `gone/gone.ts` and [gone](gone.md#there) are no more.";
  assert.equal(missingIn("src/README.md", offenders).length, 5, "the finder does not see the made-up offenders");
  assert.deepEqual(
    missingIn("src/README.md", "`flow/half.ts`, `half.ts`, `src/flow` and [guide](../plugins/README.md)"),
    [],
  );
  none(
    chapters.flatMap((chapter) => missingIn(chapter, read(chapter)).map((path) => `${chapter}: there is no ${path}`)),
  );
});

test("src/README.md names every room of the house.", () => {
  const rooms = readdirSync(join(projectRoot, "src")).filter((name) => name !== "README.md");
  const named = new Set(spansOf(read("src/README.md")));
  none(rooms.filter((room) => !named.has(room)).map((room) => `src/README.md: says nothing of src/${room}`));
});

for (const page of ["README.md", "src/README.md"]) {
  test(`${page} stays under 300 lines: what is more goes to a chapter.`, () => {
    const lines = read(page).trimEnd().split("\n").length;
    assert.ok(lines < 300, `${page} has ${lines} lines`);
  });
}

function chaptersBelow(folder: string): string[] {
  const entries = readdirSync(join(projectRoot, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return chaptersBelow(path);
    return entry.name === "README.md" ? [path] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(projectRoot, path), "utf8");
}

/** Paths may begin at the project's root or at the chapter's own folder; a name alone may be that of any source file. */
function missingIn(chapter: string, text: string): string[] {
  const folder = dirname(chapter);
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, to = ""]) => to);
  const linked = links.filter((to) => !to.includes("://") && !existsSync(join(projectRoot, folder, to)));
  const named = spansOf(text).filter(isPath);
  const isThere = (path: string) =>
    fileNames.has(path) || [".", folder].some((from) => existsSync(join(projectRoot, from, path)));
  return [...linked, ...named.filter((path) => !isThere(path))];
}

/** What stands between backticks, but for samples of several lines. */
function spansOf(text: string): string[] {
  return [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
}

/** `flow/half.ts`, `half.ts`, `test/unit`; no `~/.ssh/config`, no `./mine.ts`, and nothing that a build makes. */
function isPath(span: string): boolean {
  const isOurs =
    /^\.?[a-z][\w-]*(\/[\w.-]+)*\.(ts|json|md)$/.test(span) || /^[a-z][\w-]*(\/[\w-]+)*\/[\w-]*$/.test(span);
  return isOurs && !span.startsWith("dist/");
}

function none(found: readonly string[]): void {
  if (found.length > 0) assert.fail(found.join("\n"));
}
