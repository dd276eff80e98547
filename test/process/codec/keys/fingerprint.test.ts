import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fingerprint, keyType, keyTypeName } from "../../../../src/codec/keys/fingerprint.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const missing = need("ssh-keygen");

test("Fingerprint, type and short name of a key are those that ssh-keygen prints", { skip: missing }, async () => {
  const folder = tempDirectory("fingerprint");
  for (const kind of ["ed25519", "ecdsa", "rsa"]) {
    const file = join(folder, kind);
    await run("ssh-keygen", ["-q", "-t", kind, "-N", "", "-C", "", "-f", file]);
    const [type = "", base64 = ""] = readFileSync(`${file}.pub`, "utf8").trim().split(" ");
    const blob = Buffer.from(base64, "base64");
    const printed = (await run("ssh-keygen", ["-l", "-f", `${file}.pub`])).stdout.trim();
    assert.equal(keyType(blob), type);
    assert.ok(printed.includes(` ${fingerprint(blob)} `), printed);
    assert.ok(printed.endsWith(`(${keyTypeName(type)})`), printed);
  }
  removeTemp(folder);
});
