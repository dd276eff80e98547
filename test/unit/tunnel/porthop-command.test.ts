import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
import { porthopWords } from "../../../src/tunnel/porthop-command.ts";

for (const [given, printed] of [
  ["-N -L 1:a:1 h", "porthop run -N -L 1:a:1 h"],
  ["--capture - -L 1:a:1 h --rate-limit 1MB/s --json", "porthop run --capture - --rate-limit 1MB/s --json -L 1:a:1 h"],
  ["-W a:1 h", "porthop run -W a:1 h"],
  ["-L 1:a:1 h sleep 3", "porthop run -L 1:a:1 h sleep 3"],
  ["-J work/box -L 1:a:1 aws:prod:1", "porthop run -J [work/box] -L 1:a:1 aws:prod:1"],
  ["-L 1:a:1 me@[aws:22]", "porthop run -L 1:a:1 me@[aws:22]"],
] as const) {
  test(`${given} is ${printed}, and that is itself.`, () => {
    assert.equal(porthopWords(describeTunnel(given.split(" "))).join(" "), printed);
    assert.equal(porthopWords(describeTunnel(printed.split(" ").slice(2))).join(" "), printed);
  });
}

test("A relay is a line of porthop relay.", () => {
  const words = "-g -o ConnectTimeout=5 -L 1:a:1 -L /s:/t --capture x.pcap".split(" ");
  assert.equal(
    porthopWords(describeRelay(words)).join(" "),
    "porthop relay -g -o ConnectTimeout=5 -L 1:a:1 -L /s:/t --capture x.pcap",
  );
});
