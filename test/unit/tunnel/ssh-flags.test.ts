import assert from "node:assert/strict";
import { test } from "node:test";
import { aboutSshFlag, flagKeywords } from "../../../src/tunnel/ssh-flags.ts";

const flags = (text: string) => [...text].map((letter) => ({ letter, value: undefined }));

test("Each letter says what it is for; those that are no such flag say nothing.", () => {
  for (const letter of "1246AaBbCcEefgIKkMmnPqSsvwXxYy") assert.match(aboutSshFlag(letter) ?? "", /^[^\n]{4,70}$/);
  for (const letter of ["L", "p", "V", "constructor", "__proto__", ""]) assert.equal(aboutSshFlag(letter), undefined);
});

test("As lines of ssh_config the last of two opposite flags counts, and each keyword stands there once.", () => {
  const lines = (text: string) => flagKeywords(flags(text)).map(({ name, value }) => `${name} ${value}`);
  assert.deepEqual(lines("46"), ["AddressFamily inet6"]);
  assert.deepEqual(lines("Aa"), ["ForwardAgent no"]);
  assert.deepEqual(lines("gCf"), [
    "GatewayPorts yes",
    "Compression yes",
    "StdinNull yes",
    "ForkAfterAuthentication yes",
  ]);
  assert.deepEqual(lines("v"), ["LogLevel DEBUG"]);
  assert.deepEqual(lines("vvvv"), ["LogLevel DEBUG3"]);
  assert.deepEqual(
    [lines("M"), lines("MM"), lines("MMM")].flat(),
    ["yes", "ask", "yes"].map((each) => `ControlMaster ${each}`),
  );
  assert.deepEqual(flagKeywords([{ letter: "c", value: "aes128-ctr" }]), [{ name: "Ciphers", value: "aes128-ctr" }]);
});
