import assert from "node:assert/strict";
import { test } from "node:test";
import { StageOutput } from "../../../src/flow/stage-output.ts";
import type { Chunk, Stage } from "../../../src/plugin.ts";

const chunk = (text: string) => Buffer.from(text);

async function* source(...texts: string[]): AsyncGenerator<Chunk> {
  for (const text of texts) yield chunk(text);
}

async function output(stage: Stage, seen: string[] = []): Promise<string[]> {
  const chunks = new StageOutput({ plugin: "mine", stage }, source("a", "b"), (each) => seen.push(String(each)));
  const all: string[] = [];
  for await (const each of chunks) all.push(String(each));
  return all;
}

test("The chunks of a stage come out, and the taps behind the stage see each.", async () => {
  const seen: string[] = [];
  const doubled = await output(async function* (chunks) {
    for await (const each of chunks) {
      yield each;
      yield each;
    }
  }, seen);
  assert.deepEqual(
    [doubled, seen],
    [
      ["a", "a", "b", "b"],
      ["a", "a", "b", "b"],
    ],
  );
});

test("An array of chunks is chunks too, and a stage that returns nothing is named with its plugin.", async () => {
  const list = () => [chunk("x"), chunk("y")];
  const nothing = () => undefined;
  assert.deepEqual(await output(list as unknown as Stage), ["x", "y"]);
  await assert.rejects(
    output(nothing as unknown as Stage),
    /plugin mine failed on this flow: its stage returned no chunks/,
  );
});

test("An error of a stage has its plugin's name, whether the stage throws at once, later, or when its reader leaves.", async () => {
  const broken = new Error("no more");
  const named = /plugin mine failed on this flow: no more/;
  await assert.rejects(
    output(() => {
      throw broken;
    }),
    named,
  );
  await assert.rejects(
    output(async function* (chunks) {
      yield* chunks;
      throw broken;
    }),
    named,
  );
  const left = new StageOutput(
    {
      plugin: "mine",
      stage: async function* (chunks) {
        try {
          yield* chunks;
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: a stage of somebody else's may do it
          throw broken;
        }
      },
    },
    source("a"),
    () => {},
  );
  await left.next();
  await assert.rejects(left.return(), named);
});
