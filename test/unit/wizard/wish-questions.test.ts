import assert from "node:assert/strict";
import { test } from "node:test";
import type { Facts, Question } from "../../../src/wizard/question.ts";
import { askWishes } from "../../../src/wizard/wish-questions.ts";
import { played } from "../../kit/asking.ts";

const facts: Facts = { here: "brahma", home: "/home/anna", hosts: [] };

function offered(question: Question | undefined): readonly string[] {
  return question?.kind === "choice" ? question.options.map(({ value }) => value) : [];
}

test("Enter alone wishes nothing.", () => {
  const { asked, result } = played(askWishes("ssh", facts), ["none"]);
  assert.deepEqual([asked[0]?.usual, result], ["none", {}]);
});

test("Each wish is asked for with what it needs, and offered once.", () => {
  const answers = ["capture", "a.pcap", "rate", "1MB/s", "compress", "background", "jumps", "b@c:22", "none"];
  const { asked, result } = played(askWishes("ssh", facts), answers);
  assert.deepEqual(result, {
    capture: "a.pcap",
    rate: "1MB/s",
    compress: true,
    background: true,
    jumps: [{ user: "b", host: "c", port: 22 }],
  });
  assert.deepEqual(offered(asked[0]), ["none", "capture", "rate", "compress", "background", "jumps"]);
  assert.deepEqual(offered(asked.at(-1)), ["none"]);
});

test("A relay is offered nothing that needs ssh.", () => {
  const { asked } = played(askWishes("nothing", facts), ["none"]);
  assert.deepEqual(offered(asked[0]), ["none", "capture", "rate", "background"]);
});

test("~/ is the home folder, since no shell will put it in.", () => {
  assert.deepEqual(played(askWishes("ssh", facts), ["capture", "~/x.pcap", "none"]).result, {
    capture: "/home/anna/x.pcap",
  });
});
