import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { type Destination, printDestination } from "../../../../src/codec/words/destination.ts";
import { parseJumpList } from "../../../../src/codec/words/jump-list.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

function to(host: string, user?: string, port?: number): Destination {
  return { user, host, port };
}

const understood: readonly (readonly [text: string, hosts: readonly Destination[]])[] = [
  ["none", []],
  ["NONE", []],
  ["gate", [to("gate")]],
  ["anna@gate:2222", [to("gate", "anna", 2222)]],
  ["one,two", [to("one"), to("two")]],
  ["anna@one:22,two:2222,bob@three", [to("one", "anna", 22), to("two", undefined, 2222), to("three", "bob")]],
  ["ssh://anna@one:22,two", [to("one", "anna", 22), to("two")]],
  ["[::1]:2222,[fe80::1%eth0]:22", [to("::1", undefined, 2222), to("fe80::1%eth0", undefined, 22)]],
  ["gate-%h", [to("gate-%h")]],
  ["anna@one:ssh,[::1]:https", [to("one", "anna", 22), to("::1", undefined, 443)]],
  ["anna@one:,[::1]:,fe80::", [to("one", "anna"), to("::1"), to("fe80::")]],
  ["ssh://one:ssh,fe80::a", [to("one", undefined, 22), to("fe80::a")]],
];

for (const [text, hosts] of understood) {
  test(`"${text}" is understood.`, () => {
    assert.deepEqual(parseJumpList(text), hosts);
  });
}

for (const [text, reason] of [
  ["", "the jump host is missing"],
  ["one,,two", "has an empty host"],
  ["one,", "has an empty host"],
  [",one", "has an empty host"],
  ["one, two", 'contains " "'],
  ["-oProxyCommand=id", 'begins with "-"'],
  ["one;id", 'contains ";"'],
  ["$(id)@one", 'contains "$"'],
  ["one:0", '"0" is not a port'],
  ["one:no-such", '"no-such" is no port'],
  ["http://one", "only ssh://"],
  [Array(17).fill("gate").join(","), "more than 16 jump hosts"],
] as const) {
  test(`"${text.slice(0, 40)}" is refused: ${reason}.`, () => {
    assert.throws(
      () => parseJumpList(text),
      (error) => error instanceof Malformed && error.message.includes(reason),
    );
  });
}

test("Hostile text is understood or refused, what is understood is so again host by host, and never slowly.", () => {
  fc.assert(
    fc.property(hostileText(",", "@", ":22", "[", "]", "ssh://", "one", "%"), (text) => {
      const hosts = readOrRefused(() => parseJumpList(text));
      for (const host of hosts ?? []) assert.deepEqual(parseJumpList(printDestination(host)), [host]);
    }),
  );
  assertFastOnLongText(parseJumpList, ",", "a,", "@", "[", "a");
});
