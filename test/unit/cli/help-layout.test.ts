import assert from "node:assert/strict";
import { test } from "node:test";
import { laidOutHelp } from "../../../src/cli/help-layout.ts";

test("The examples come first, and what repeats the list of commands goes.", () => {
  const sections = [
    { body: "porthop/1.0.0" },
    { title: "Usage", body: "  $ porthop <command>" },
    { title: "For more info, run any command with the `--help` flag", body: "  $ porthop run --help" },
    { title: "Examples", body: "  porthop demo" },
  ];
  assert.deepEqual(laidOutHelp(sections), [
    { body: "porthop/1.0.0" },
    { title: "Examples", body: "  porthop demo" },
    { title: "Usage", body: "  $ porthop <command>" },
  ]);
});

test("What is said of a flag goes on below itself, and no line is wider than 80 columns.", () => {
  const about = "write what porthop says into this file, behind what is there already, and so on";
  const body = `  -p <port>             sshd's port \n  -E <file of some kind>  ${about} \n`;
  const [{ body: laidOut = "" } = {}] = laidOutHelp([{ title: "Options", body: "" }, { body }]).slice(1);
  assert.deepEqual(laidOut.split("\n"), [
    "  -p <port>             sshd's port",
    "  -E <file of some kind>  write what porthop says into this file, behind what is",
    "                          there already, and so on",
    "",
  ]);
});
