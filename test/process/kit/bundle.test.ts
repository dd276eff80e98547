import assert from "node:assert/strict";
import { test } from "node:test";
import { leftForRunTime } from "../../kit/bundle.ts";

test("Whatever a bundle still requires or imports is found, minified or not.", () => {
  for (const [bundle, names] of [
    ['var $e=import.meta.require;try{a=$e("cpu-features")()}catch{}', ["cpu-features"]],
    ['var __require = import.meta.require;\nvar a = __require("./x/y.node");', ["./x/y.node"]],
    ['require("a");require.resolve("b");import("@c/d/e.js")', ["a", "b", "@c/d/e.js"]],
    ['import{x}from"fs/promises";import n from "node:net";import"h"', ["fs/promises", "node:net", "h"]],
    ["import(`i`)", ["i"]],
    ['import("j",{with:{type:"json"}})', ["j"]],
    ['class A{import(){}}a.require("no");array.from("no");x=", from"', []],
  ] as const) {
    assert.deepEqual(leftForRunTime(bundle).names.toSorted(), names.toSorted(), bundle);
  }
});

test("What a file requires by a name that another file gave to require is found, and no call that only looks so.", () => {
  const giving = "var e=import.meta.require;export{e};";
  assert.deepEqual(leftForRunTime(giving, 'import{a,e}from"a.js";e("b")').names.toSorted(), ["a.js", "b"]);
  assert.deepEqual(leftForRunTime(giving, 'const e=(name)=>name;e("log")').names, []);
});

test("An import of what is only known at run time is found too.", () => {
  for (const bundle of ["import(x)", `import(\`./\${x}.js\`)`, 'import("a"+x)', "createRequire(import.meta.url)(x)"]) {
    assert.equal(leftForRunTime(bundle).computed.length, 1, bundle);
  }
  assert.deepEqual(leftForRunTime('import("a");import(`b`);import x from "c"').computed, []);
});
