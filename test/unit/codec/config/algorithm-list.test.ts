import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type AlgorithmStock,
  chooseAlgorithms,
  parseAlgorithmList,
} from "../../../../src/codec/config/algorithm-list.ts";
import { openSshAlgorithms } from "../../../../src/codec/config/openssh-algorithms.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";

const gcm = "aes128-gcm@openssh.com";
const ciphers: AlgorithmStock = {
  defaults: [gcm, "aes128-ctr", "aes256-ctr"],
  available: [gcm, "aes128-ctr", "aes256-ctr", "aes128-cbc"],
};

for (const [text, names, lacking] of [
  ["aes256-ctr,aes128-ctr", ["aes256-ctr", "aes128-ctr"], []],
  [" aes256-ctr , aes128-ctr ", ["aes256-ctr", "aes128-ctr"], []],
  ["aes256-ctr,aes256-ctr", ["aes256-ctr"], []],
  ["aes256-ctr,3des-cbc", ["aes256-ctr"], ["3des-cbc"]],
  ["3des-cbc,3des-cbc", [], ["3des-cbc"]],
  ["+aes128-cbc", [...ciphers.defaults, "aes128-cbc"], []],
  ["+aes128-ctr,aes128-cbc,3des-cbc", [...ciphers.defaults, "aes128-cbc"], ["3des-cbc"]],
  ["^aes256-ctr", ["aes256-ctr", gcm, "aes128-ctr"], []],
  ["^aes128-cbc,aes256-ctr", ["aes128-cbc", "aes256-ctr", gcm, "aes128-ctr"], []],
  ["-aes128-ctr", [gcm, "aes256-ctr"], []],
  ["-aes*-ctr", [gcm], []],
  ["-*gcm*,aes???-ctr", [], []],
  ["-*,!aes256-ctr", ["aes256-ctr"], []],
  ["-", ciphers.defaults, []],
  ["-rot13", ciphers.defaults, []],
] as const) {
  test(`The list ${JSON.stringify(text)} makes ${names.join(",") || "nothing"} of the default.`, () => {
    const choice = chooseAlgorithms(parseAlgorithmList("cipher", text), ciphers);
    assert.deepEqual(choice, { names: [...names], lacking: [...lacking] });
  });
}

for (const [kind, text, names, unknown] of [
  ["cipher", "rot13,aes256-ctr", ["aes256-ctr"], ["rot13"]],
  ["cipher", "aes256-ctr,aes*,rot13,rot13", ["aes256-ctr"], ["aes*", "rot13"]],
  ["cipher", "+rot13", [], ["rot13"]],
  ["cipher", "^rot13,aes256-ctr", ["aes256-ctr"], ["rot13"]],
  ["cipher", "-rot13", ["rot13"], []],
  ["hostKey", "dsa*,rsa-*", ["rsa-*"], ["dsa*"]],
] as const) {
  test(`In ${text} as a ${kind} what ssh does not know is passed over: ${unknown.join(",") || "nothing"}.`, () => {
    const list = parseAlgorithmList(kind, text);
    assert.deepEqual([list.names, list.unknown], [names, unknown]);
  });
}

test("Without a list the default holds, as it is.", () => {
  assert.deepEqual(chooseAlgorithms(undefined, ciphers), { names: ciphers.defaults, lacking: [] });
});

test("For host keys a pattern stands for all that are there and fit, as in ssh.", () => {
  const stock = { defaults: ["ssh-ed25519"], available: ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] };
  const names = (text: string) => chooseAlgorithms(parseAlgorithmList("hostKey", text), stock).names;
  assert.deepEqual(names("rsa-*"), ["rsa-sha2-512", "rsa-sha2-256"]);
  assert.deepEqual(names("+*rsa*"), ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]);
});

for (const [kind, text, message] of [
  ["cipher", "rot13", '"rot13" is no cipher that ssh knows'],
  ["cipher", "rot13,rot14", '"rot13" is no cipher that ssh knows'],
  ["cipher", "aes256-crt", '"aes256-crt" is no cipher that ssh knows (did you mean aes256-ctr?)'],
  ["cipher", "AES256-CTR", '"AES256-CTR" is no cipher that ssh knows (did you mean aes256-ctr?)'],
  ["cipher", "", "an empty name where a cipher should be"],
  ["cipher", "+", "an empty name where a cipher should be"],
  ["cipher", "aes256-ctr,", "an empty name where a cipher should be"],
  ["cipher", "aes*", '"aes*" is no cipher that ssh knows'],
  ["mac", "umac", '"umac" is no MAC that ssh knows'],
  ["kex", "a\u001b[2Jb", '"a\\x1b[2Jb" is no key exchange that ssh knows'],
  ["hostKey", "dsa*", '"dsa*" is no host key algorithm that ssh knows'],
] as const) {
  test(`${JSON.stringify(text)} as a ${kind} is refused: ${message}.`, () => {
    assert.throws(
      () => parseAlgorithmList(kind, text),
      (error: Error) => error instanceof Malformed && error.message.startsWith(message),
    );
  });
}

test("Whatever the text, the result is a part of what is there, each name once, or a refusal.", () => {
  const word = fc.oneof(fc.constantFrom(...openSshAlgorithms.cipher, "*", "aes*", "rot13", ""), fc.string());
  const text = fc
    .tuple(fc.constantFrom("", "+", "-", "^"), fc.array(word, { maxLength: 6 }))
    .map(([mode, words]) => mode + words.join(","));
  fc.assert(
    fc.property(text, (list) => {
      try {
        const { names, lacking } = chooseAlgorithms(parseAlgorithmList("cipher", list), ciphers);
        assert.equal(new Set(names).size, names.length);
        for (const name of names) assert.ok(ciphers.available.includes(name));
        for (const name of lacking) assert.ok(openSshAlgorithms.cipher.includes(name));
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        assert.ok(error.message.length < 300);
      }
    }),
  );
});
