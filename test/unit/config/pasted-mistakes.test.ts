import assert from "node:assert/strict";
import { test } from "node:test";
import { readPasted } from "../../../src/config/pasted-command.ts";
import { pastedMistakes } from "../../../src/config/pasted-mistakes.ts";

const mistakesOf = (...words: string[]) => pastedMistakes(readPasted(words), { host: "aws:22" });

test("A port behind the host of a pasted ssh command is one to porthop only.", () => {
  for (const text of ["ssh -L 1:a:1 alice@server:2222", "ssh -N [fd00::7]:2222", "autossh -M 0 server:2222 uptime"]) {
    const [mistake, ...more] = mistakesOf(text);
    assert.deepEqual([mistake?.level, mistake?.code, more.length], ["warning", "port-in-name", 0]);
    assert.match(mistake?.cure ?? "", /-p 2222/);
  }
});

test("Where ssh reads the port, or porthop is called, nothing is said.", () => {
  for (const words of [
    ["ssh -p 2222 alice@server"],
    ["ssh ssh://alice@server:2222"],
    ["ssh fd00::7"],
    ["ssh aws:22"],
    ["porthop run -L 1:a:1 alice@server:2222"],
    ["porthop relay -L 1:a:1"],
    ["-L", "1:a:1", "alice@server:2222"],
  ]) {
    assert.deepEqual(mistakesOf(...words), []);
  }
});
