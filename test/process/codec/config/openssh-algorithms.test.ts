import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { type AlgorithmKind, openSshAlgorithms } from "../../../../src/codec/config/openssh-algorithms.ts";
import { need } from "../../../kit/packages.ts";

const missing = need("ssh");

for (const [query, kind] of [
  ["cipher", "cipher"],
  ["mac", "mac"],
  ["kex", "kex"],
  ["HostKeyAlgorithms", "hostKey"],
] as const satisfies readonly (readonly [string, AlgorithmKind])[]) {
  test(`Every name that ssh -Q ${query} prints is known.`, { skip: missing }, () => {
    const names = spawnSync("ssh", ["-Q", query], { encoding: "utf8" }).stdout.trim().split("\n");
    assert.ok(names.length > 3, "ssh says something");
    assert.deepEqual(
      names.filter((name) => !openSshAlgorithms[kind].includes(name)),
      [],
    );
  });
}
