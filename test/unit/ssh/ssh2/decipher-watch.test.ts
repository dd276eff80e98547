import assert from "node:assert/strict";
import { test } from "node:test";
import { watchDeciphers } from "../../../../src/ssh/ssh2/decipher-watch.ts";
import type { DecipherView } from "../../../../src/ssh/ssh2/view.ts";

test("Each new decoder is told to all who watch, in the order in which they came, and is the decoder from then on.", () => {
  const protocol: { _decipher: DecipherView | undefined } = { _decipher: undefined };
  const heard: string[] = [];
  const names = new Map<DecipherView, string>();
  const made = (name: string): DecipherView => {
    const decipher = { inSeqno: 0, _len: 0, _onPayload: () => {} };
    names.set(decipher, name);
    return decipher;
  };
  watchDeciphers(protocol, (decipher) => void heard.push(`first ${names.get(decipher)}`));
  watchDeciphers(protocol, (decipher) => void heard.push(`second ${names.get(decipher)}`));
  const [clear, sealed] = [made("clear"), made("sealed")];
  protocol._decipher = clear;
  assert.equal(protocol._decipher, clear);
  protocol._decipher = sealed;
  assert.equal(protocol._decipher, sealed);
  protocol._decipher = undefined;
  assert.equal(protocol._decipher, undefined);
  assert.deepEqual(heard, ["first clear", "second clear", "first sealed", "second sealed"]);
});
