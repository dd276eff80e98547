import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { addOption } from "../../../src/config/file/config-value.ts";
import { Keywords } from "../../../src/config/file/keyword.ts";
import { refuseImpossible, refuseUnsupported } from "../../../src/config/unsupported.ts";

const check = (words: string) => refuseUnsupported(describeTunnel(words.split(" ")));

test("What porthop has passes, and what only ssh has is named.", () => {
  check("-L 1:a:1 -C -o BatchMode=yes -o ControlPath=/x host");
  for (const [words, says] of [
    ["-M -L 1:a:1 host", /porthop does not have ssh's flag -M yet \(-M\)$/],
    ["-L 1:a:1 -w 0:1 host", /porthop does not have ssh's flag -w yet \(-w 0:1\)$/],
    ["-1 -L 1:a:1 host", /flag -1 yet/],
    ["-o Tunnel=yes -L 1:a:1 host", /-o Tunnel: porthop does not have this keyword$/],
    ["-o Compresion=yes -L 1:a:1 host", /did you mean Compression\?/],
    ["-o SessionType=subsystem host sftp", /porthop runs commands only/],
  ] as const) {
    assert.throws(() => check(words), says, words);
  }
});

test("A subsystem that a configuration file asks for is refused too.", () => {
  const tunnel = describeTunnel(["host", "ls"]);
  const keywords = new Keywords();
  refuseImpossible(tunnel, keywords);
  addOption(keywords, "SessionType=Subsystem");
  assert.throws(() => refuseImpossible(tunnel, keywords), /porthop runs commands only/);
});

test("A command beside a SessionType none of a file, and -f beside -W, are refused.", () => {
  const keywords = new Keywords();
  addOption(keywords, "SessionType=none");
  assert.throws(() => refuseImpossible(describeTunnel(["host", "ls"]), keywords), /SessionType none is for no command/);
  const behind = describeTunnel(["-f", "-W", "a:1", "host"]);
  assert.throws(() => refuseImpossible(behind, new Keywords()), /a program in the background has no stdin/);
});
