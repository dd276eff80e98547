import assert from "node:assert/strict";
import { test } from "node:test";
import { Transcript } from "../../kit/transcript.ts";

test("A pattern is found across the pieces that text came in, with its groups.", async () => {
  const transcript = new Transcript("the log");
  const found = transcript.until(/port (\d+)\n/);
  for (const piece of ["listening on po", "rt 80", "80\nnext"]) transcript.add(piece);
  assert.equal((await found)[1], "8080");
  assert.equal(transcript.text, "listening on port 8080\nnext");
});

test("Only what comes after a mark counts, and a global pattern is no different.", async () => {
  const transcript = new Transcript("the log");
  transcript.add("name: one\n");
  const next = transcript.until(/name: (\w+)\n/g, { after: transcript.text.length });
  transcript.add("name: two\n");
  assert.equal((await next)[1], "two");
});

test("A failed wait shows the pattern, the reason and all the text.", async () => {
  const transcript = new Transcript("the log");
  transcript.add("some trouble");
  const wait = transcript.until(/ready/);
  transcript.end("it ended");
  await assert.rejects(wait, /\/ready\/ in the log, but it ended; the log was:\nsome trouble/);
});

test("With a view, patterns look at what the view shows.", async () => {
  const transcript = new Transcript("the log", (text) => text.toUpperCase());
  transcript.add("quiet");
  assert.equal((await transcript.until(/QUIET/))[0], "QUIET");
});
