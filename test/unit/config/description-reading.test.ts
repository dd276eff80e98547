import assert from "node:assert/strict";
import { test } from "node:test";
import { DescriptionReading } from "../../../src/config/description-reading.ts";

function reading(...flags: readonly (readonly [flag: string, value?: string])[]): DescriptionReading {
  const made = new DescriptionReading((text) => text.replaceAll(`$${"{HOME}"}`, "/home/anna"));
  for (const [flag, value] of flags) made.take({ flag, value, text: `-${flag} ${value ?? ""}`.trim() });
  return made;
}

test("What is said before the destination counts before the destination, and the destination before what follows.", () => {
  const made = reading(["p", "1"]);
  made.takeDestination({ user: "anna", host: "h", port: 2 });
  made.take({ flag: "l", value: "bob", text: "-l bob" });
  const { user, port } = made.tunnel("h", []);
  assert.deepEqual([user, port], ["anna", 1]);
});

test("Variables are filled into a forward before the forward is read, of a flag and of an -o.", () => {
  const home = `$${"{HOME}"}`;
  const { forwards } = reading(["L", `80:${home}/a`], ["o", `LocalForward=81 ${home}/b`]).tunnel("h", []);
  assert.deepEqual(
    forwards.map(({ connect }) => connect),
    [{ path: "/home/anna/a" }, { path: "/home/anna/b" }],
  );
});

test("A keyword stands where its meaning is, and else as the line that it was, quotes and all.", () => {
  const made = reading(
    ["o", 'User="anna"'],
    ["o", "port 22"],
    ["o", 'IdentityFile="a b"'],
    ["o", 'HostKeyAlias "x y"'],
    ["o", "Unheard Of"],
  );
  const { user, port, identities, keywords } = made.tunnel("h", []);
  assert.deepEqual([user, port, identities], ["anna", 22, [{ file: '"a b"', by: "keyword" }]]);
  assert.deepEqual(keywords, [
    { name: "HostKeyAlias", value: '"x y"' },
    { name: "Unheard", value: "Of" },
  ]);
});

test("A value that its keyword does not take is refused, whether a flag or an -o says it.", () => {
  for (const [flag, value, says] of [
    ["c", "rot13", /Ciphers/],
    ["b", "-x", /BindAddress/],
    ["e", "abc", /EscapeChar/],
    ["o", "Compression=maybe", /Compression: "maybe" is not one of yes, no/],
    ["o", "LocalForward=80", /LocalForward/],
    ["o", 'ProxyCommand="nc', /closing quote/],
  ] as const) {
    assert.throws(() => reading([flag, value]), says, `${flag} ${value}`);
  }
});
