import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EscapeCharacter, escapeOf } from "../../../../src/codec/session/escape-character.ts";

const tilde = 0x7e;

/** What goes through and what is asked for, when these pieces are typed. */
function typed(pieces: readonly string[], code = tilde): readonly [sent: string, actions: readonly string[]] {
  const keys = new EscapeCharacter(code);
  const all = pieces.map((piece) => keys.take(Buffer.from(piece, "latin1")));
  return [
    all.map(({ bytes }) => Buffer.from(bytes).toString("latin1")).join(""),
    all.flatMap(({ actions }) => actions),
  ];
}

/** What is typed, what goes through, what it asks for. */
const table: readonly (readonly [typed: string, sent: string, ...actions: string[]])[] = [
  ["plain text\r", "plain text\r"],
  ["~.", "", "disconnect"],
  ["ls\r~.", "ls\r", "disconnect"],
  ["ls\n~.", "ls\n", "disconnect"],
  ["~.more", "", "disconnect"],
  ["a~.", "a~."],
  ["~~", "~"],
  ["~~.", "~."],
  ["\r~~\r~.", "\r~\r", "disconnect"],
  ["~?", "", "help"],
  ["~?~.", "", "help", "disconnect"],
  ["~x", "~x"],
  ["~\r~.", "~\r", "disconnect"],
];

for (const [text, sent, ...actions] of table) {
  test(`${JSON.stringify(text)} sends ${JSON.stringify(sent)} and asks for ${actions.join(", ") || "nothing"}.`, () => {
    assert.deepEqual(typed([text]), [sent, actions]);
    for (let cut = 0; cut <= text.length; cut++) {
      const [first, ...rest] = typed([text.slice(0, cut), text.slice(cut)]);
      // Nothing is typed behind a disconnect.
      if (!text.includes("more")) assert.deepEqual([first, ...rest], [sent, actions]);
    }
  });
}

test("Another escape character takes the place of ~.", () => {
  assert.deepEqual(typed(["\x1d.", "~."], 0x1d), ["~.", ["disconnect"]]);
});

test("What has no escape character at the beginning of a line goes through as it is, however it is cut.", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary-ascii" })), (pieces) => {
      const plain = pieces.map((piece) => piece.replaceAll("~", "-"));
      assert.deepEqual(typed(plain), [plain.join(""), []]);
    }),
  );
});

test("EscapeChar is one character, a control character with ^, or none.", () => {
  assert.deepEqual(["~", "^]", "^B", "^b", "^", "none"].map(escapeOf), [0x7e, 0x1d, 2, 2, 0x5e, undefined]);
  assert.deepEqual(["", "ab", "^^^", "é", "^1"].map(escapeOf), [null, null, null, null, null]);
});
