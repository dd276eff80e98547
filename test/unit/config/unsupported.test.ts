import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { addOption } from "../../../src/config/file/config-value.ts";
import { Keywords } from "../../../src/config/file/keyword-record.ts";
import { keywordsOf } from "../../../src/config/tunnel-keywords.ts";
import { refuseIdle, refuseImpossible, refuseUnsupported } from "../../../src/config/unsupported.ts";
import type { PorthopError } from "../../../src/errors.ts";

const check = (words: string) => refuseUnsupported(describeTunnel(words.split(" ")));

test("What porthop has, or does anyway, passes; what only ssh has is named.", () => {
  check("-L 1:a:1 -C -o BatchMode=yes -o ControlPath=/x -o Tunnel=no -o VisualHostKey=yes -M -S none -k -y -2 -K host");
  for (const [words, says] of [
    ["-L 1:a:1 -w 0:1 host", /porthop does not have ssh's flag -w \(-w 0:1\): no network device is made$/],
    ["-S /s -L 1:a:1 host", /porthop does not have ssh's flag -S \(-S \/s\)/],
    ["-o Tunnel=yes -L 1:a:1 host", /porthop does not have Tunnel \(-o Tunnel=yes\)/],
    ["-o Compresion=yes -L 1:a:1 host", /did you mean Compression\?/],
    ["-o Tunel=yes -L 1:a:1 host", /did you mean Tunnel\?/],
    ["-o SessionType=subsystem host sftp", /porthop runs commands only/],
  ] as const) {
    assert.throws(() => check(words), says, words);
  }
});

test("Quotes and a comment of a typed value are no part of it.", () => {
  for (const line of ['Tunnel="no"', "Tunnel=no # none"]) refuseUnsupported(describeTunnel(["-o", line, "host"]));
});

test("With nothing to do a hint names ssh for a shell, and -N says that the session is enough.", () => {
  assert.throws(
    () => refuseIdle({ forwards: [], remote: undefined, isBare: false }),
    (error: PorthopError) => /ssh user@host; .* porthop run -L /.test(error.hint ?? ""),
  );
  refuseIdle({ forwards: [], remote: undefined, isBare: true });
});

test("A subsystem that a configuration file asks for is refused too.", () => {
  const tunnel = describeTunnel(["host", "ls"]);
  const keywords = new Keywords();
  refuseImpossible(tunnel, keywords);
  addOption(keywords, "SessionType=Subsystem");
  assert.throws(() => refuseImpossible(tunnel, keywords), /porthop runs commands only/);
});

test("-f beside -W is refused.", () => {
  const behind = describeTunnel(["-f", "-W", "a:1", "host"]);
  assert.throws(() => refuseImpossible(behind, keywordsOf(behind)), /a program in the background has no stdin/);
});

test("A subsystem is no lack where -N came first: nothing runs.", () => {
  check("-N -o SessionType=subsystem -L 1:a:1 h");
  assert.throws(() => check("-o SessionType=subsystem -L 1:a:1 h sftp"), /porthop runs commands only/);
});
