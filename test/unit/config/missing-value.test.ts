import assert from "node:assert/strict";
import { test } from "node:test";
import { scanArgv } from "../../../src/codec/words/argv.ts";
import { describeTunnel } from "../../../src/config/description.ts";
import { refuseMissingValues } from "../../../src/config/missing-value.ts";
import { runTable } from "../../../src/config/run-flags.ts";

const check = (...words: string[]) => refuseMissingValues(scanArgv(words, runTable).flags);

for (const name of ["--hold", "--sessions", "--fallback", "--reconnect"]) {
  test(`${name} without a value says so, wherever it stands.`, () => {
    assert.throws(() => check(name, ""), { message: `${name} needs a value` });
    assert.throws(() => check(`${name}=`), { message: `${name} needs a value` });
    assert.throws(() => check("host", name), { message: `${name} needs a value` });
    for (const [next, flag] of [
      ["-L", "-L"],
      ["-L80:a:1", "-L"],
      ["-fN", "-f"],
      ["-4", "-4"],
      ["--capture=x", "--capture"],
      ["--json", "--json"],
    ] as const) {
      assert.throws(() => check(name, next), { message: `${name} needs a value, and "${flag}" is a flag` });
    }
  });
}

test("What is no flag is left to whoever reads the value, and so are other flags.", () => {
  for (const value of ["10s", "-4s", "-3s", "-", "--", "-Z", "--constructor", "db"]) check("--hold", value);
  check("--capture", "-L");
  check("-l", "");
});

test("A forgotten value is told before the words behind it, which it has put askew.", () => {
  assert.throws(() => describeTunnel(["--fallback", "-L", "24701:localhost:80", "host"]), {
    message: '--fallback needs a value, and "-L" is a flag',
  });
  assert.throws(() => describeTunnel(["--hold", "-L", "80:a:1"]), {
    message: '--hold needs a value, and "-L" is a flag',
  });
});
