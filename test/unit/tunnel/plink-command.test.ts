import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { plinkCommand } from "../../../src/tunnel/plink-command.ts";

function plink(text: string) {
  const { words, notes } = plinkCommand(describeTunnel(text.split(" ")));
  return { line: words.join(" "), notes: notes.join("; ") };
}

for (const [given, line, says] of [
  ["-p 2 -C -L 1:a:1 u@h", "plink -ssh -N -C -P 2 -L 1:a:1 u@h", /^$/],
  ["-g -L 1:a:1 -D 2 -R *:3:b:3 h", "plink -ssh -N -L 0.0.0.0:1:a:1 -D 0.0.0.0:2 -R 0.0.0.0:3:b:3 h", /^$/],
  ["-J u@j:3 -L 1:a:1 h", "plink -ssh -N -proxycmd plink -ssh -P 3 -nc %host:%port u@j -L 1:a:1 h", /^$/],
  ["-J a,b -L 1:a:1 h", "plink -ssh -N -L 1:a:1 h", /one jump host/],
  ["-o HostName=10.0.0.7 -L 1:a:1 u@h", "plink -ssh -N -L 1:a:1 u@10.0.0.7", /^$/],
  ["-W a:1 h", "plink -ssh -nc a:1 h", /^$/],
  ["-i k -i j -L 1:a:1 h", "plink -ssh -N -i k -L 1:a:1 h", /puttygen.*takes one key/],
  ["-f -o Compression=yes -L 1:/s -R 1080 h", "plink -ssh -N h", /no -f.*no -o: Compression.*unix sockets.*no SOCKS/],
  ["-L 1:a:1 -T h top", "plink -ssh -L 1:a:1 h top", /^$/],
  ["-X -L 1:a:1 -t h top", "plink -ssh -X -t -L 1:a:1 h top", /^$/],
] as const) {
  test(`${given} is ${line}.`, () => {
    const told = plink(given);
    assert.equal(told.line.replace(" -T ", " "), line);
    assert.match(told.notes, says);
  });
}

test("A variable of a forward is filled in for plink, and stays in the note of one that it does not have.", () => {
  const around = { fillVariables: (text: string) => text.replace(/\$\{VAR\}/, "8080"), hasHost: () => false };
  const variable = `$${"{VAR}"}`;
  const told = plinkCommand(describeTunnel(["-L", `${variable}:a:1`, "-L", `/run/${variable}:b:1`, "h"], around));
  assert.deepEqual(told.words, ["plink", "-ssh", "-N", "-L", "8080:a:1", "h"]);
  assert.match(told.notes.join(), /-L \/run\/\$\{VAR\}:b:1 is left out/);
});
