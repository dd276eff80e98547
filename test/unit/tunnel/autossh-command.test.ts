import assert from "node:assert/strict";
import { test } from "node:test";
import { shellLine } from "../../../src/codec/words/shell-words.ts";
import { describeTunnel } from "../../../src/config/description.ts";
import { readPasted } from "../../../src/config/pasted-command.ts";
import { autosshWords } from "../../../src/tunnel/autossh-command.ts";

const alive = "-o ExitOnForwardFailure=yes -o ServerAliveInterval=15 -o ServerAliveCountMax=3";

for (const [given, printed] of [
  ["-L 1:a:1 h", `autossh -M 0 -N ${alive} -L 1:a:1 h`],
  ["-f -L 1:a:1 h", `autossh -M 0 -f -N ${alive} -L 1:a:1 h`],
] as const) {
  test(`${given} is ${printed}, and pasted it is the same.`, () => {
    assert.equal(autosshWords(describeTunnel(given.split(" "))).join(" "), printed);
    const again = autosshWords(describeTunnel(readPasted([printed]).words));
    assert.equal(shellLine(again), printed);
  });
}
