import assert from "node:assert/strict";
import { test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { refuseShort } from "../../../../src/ssh/host/short-key.ts";

const rsa = (bits: number) => writeStrings("ssh-rsa", Buffer.from([1, 0, 1]), Buffer.alloc(bits / 8, 0xff));

test("A host key that is shorter than asked for is refused, with both lengths and a way out.", () => {
  assert.throws(
    () => refuseShort(rsa(2048), "vishnu\u001b[2J", 3072),
    (error) =>
      error instanceof PorthopError &&
      error.code === "ssh.host-key-unknown" &&
      /^the RSA host key of vishnu\S+ has 2048 bits, and RequiredRSASize asks for 3072$/.test(error.message) &&
      !error.message.includes("\u001b") &&
      /RequiredRSASize=2048/.test(error.hint ?? ""),
  );
});

test("One that is long enough, and one of another kind, is not.", () => {
  refuseShort(rsa(3072), "vishnu", 3072);
  refuseShort(writeStrings("ssh-ed25519", Buffer.alloc(32)), "vishnu", 16_384);
});
