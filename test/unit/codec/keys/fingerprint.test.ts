import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { keyType, keyTypeName } from "../../../../src/codec/keys/fingerprint.ts";
import { readString, writeStrings } from "../../../../src/codec/ssh-string.ts";

test("Key types have the short names of OpenSSH's sshkey.c", () => {
  assert.equal(keyTypeName("ecdsa-sha2-nistp521"), "ECDSA");
  assert.equal(keyTypeName("sk-ssh-ed25519@openssh.com"), "ED25519-SK");
  assert.equal(keyTypeName("ssh-ed25519-cert-v01@openssh.com"), "ED25519-CERT");
  assert.equal(keyTypeName("ssh-nonsense"), "unknown");
});

test("Bytes that are no key have no type", () => {
  assert.equal(keyType(new Uint8Array(0)), undefined);
  assert.equal(keyType(Buffer.from("00000000", "hex")), undefined);
  assert.equal(keyType(Buffer.from("ffffffff61", "hex")), undefined);
  assert.equal(keyType(writeStrings("ssh-ed25519")), undefined);
  assert.equal(keyType(writeStrings("ssh\u001b[2J", "x")), undefined);
  assert.equal(keyType(writeStrings("a".repeat(65), "x")), undefined);
});

test("Whatever bytes come, the type is read within their bounds or not at all", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const type = keyType(bytes);
      assert.ok(type === undefined || type.length <= bytes.length);
    }),
  );
});

test("Strings are read back as they were written, and none is read past the end", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }), fc.nat(4), (strings, cut) => {
      const bytes = writeStrings(...strings);
      let offset = 0;
      for (const string of strings) {
        const read = readString(bytes, offset);
        assert.deepEqual(read && new Uint8Array(read.bytes), string);
        offset = read?.next ?? 0;
      }
      assert.equal(readString(bytes, offset), undefined);
      const last = strings.at(-1);
      if (last === undefined) return;
      const start = bytes.length - last.length - 4;
      assert.equal(readString(bytes.subarray(0, bytes.length - 1 - Math.min(cut, 3)), start), undefined);
    }),
  );
});
