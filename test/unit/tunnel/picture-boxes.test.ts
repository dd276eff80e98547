import assert from "node:assert/strict";
import { test } from "node:test";
import { boxes } from "../../../src/tunnel/picture-boxes.ts";

const left = { title: "a", above: [], top: ["who", "  |"], foot: ["here:1", "ssh"], stem: "  |" };
const right = { title: "b", above: ["far", "  ^"], top: [], foot: ["sshd"], stem: "  |" };
const line = { text: " leg 2 ", letter: "=" };

test("Two boxes stand on one line, and the arrow runs from one foot to the other.", () => {
  assert.deepEqual(boxes(left, right, line, 80), [
    "                                   far",
    "                                     ^",
    "+------- a -+                    +---|--- b -+",
    "| who       |                    |   |       |",
    "|   |       |                    |   |       |",
    "| here:1    |                    |   |       |",
    "| ssh ========== leg 2 ==========> sshd      |",
    "+-----------+                    +-----------+",
  ]);
});

test("The space between them gives way first; where even that is not enough there is no picture.", () => {
  const narrow = boxes(left, right, line, 35) ?? [];
  assert.equal(Math.max(...narrow.map((each) => each.length)), 35);
  assert.equal(boxes(left, right, line, 30), undefined);
});
