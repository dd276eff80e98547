import assert from "node:assert/strict";
import { test } from "node:test";
import { findKeyword } from "../../../../src/config/file/keyword.ts";
import { findOther, otherNames } from "../../../../src/config/file/other-keywords.ts";

test("A keyword is known in any case, and one that ssh does not have, or that porthop has, is not.", () => {
  assert.equal(findOther("logverbose")?.name, "LogVerbose");
  assert.equal(findOther("VERIFYHOSTKEYDNS")?.weight, "felt");
  assert.equal(findOther("SmartcardDevice")?.name, "PKCS11Provider");
  for (const name of ["Prot", "constructor", "Host", "Port"]) assert.equal(findOther(name), undefined, name);
});

test("A keyword stands in one half of the table only, and says what does not happen where something is asked for.", () => {
  for (const name of otherNames()) {
    const other = findOther(name);
    assert.equal(findKeyword(name), undefined, name);
    assert.equal(other?.name, name);
    const asksForNothing = other?.isMet("\u0000") === true;
    assert.equal(other?.lack === "", asksForNothing, name);
    assert.doesNotMatch(`${other?.lack}${other?.hint}`, /\.$|\n/, name);
  }
});

test("What asks for what porthop does anyway is told from what asks for more.", () => {
  const isMet = (name: string, value: string) => findOther(name)?.isMet(value);
  for (const [name, met, more] of [
    ["Tunnel", "no", "yes"],
    ["GSSAPIAuthentication", "False", "yes"],
    ["IPQoS", "throughput", "cs1"],
    ["IPQoS", "none none", "none ef"],
    ["PKCS11Provider", "none", "/p11.so"],
    ["FingerprintHash", "SHA256", "md5"],
    ["SecurityKeyProvider", "internal", "/sk.so"],
  ] as const) {
    assert.deepEqual([isMet(name, met), isMet(name, more)], [true, false], name);
  }
});
