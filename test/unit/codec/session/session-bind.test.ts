import assert from "node:assert/strict";
import { test } from "node:test";
import { isBoundBy, sessionBind } from "../../../../src/codec/session/session-bind.ts";
import { readString } from "../../../../src/codec/ssh-string.ts";

const binding = { hostKey: Buffer.from("key"), sessionId: Buffer.from("id"), signature: Buffer.from("signature") };

test("An agent is told the host key, the session and the server's signature, and whether the server will ask.", () => {
  for (const isForwarding of [false, true]) {
    const message = sessionBind(binding, isForwarding);
    assert.equal(message[0], 27);
    const fields: string[] = [];
    let at = 1;
    for (let field = readString(message, at); field !== undefined; field = readString(message, at)) {
      fields.push(field.bytes.toString());
      at = field.next;
    }
    assert.deepEqual(fields, ["session-bind@openssh.com", "key", "id", "signature"]);
    assert.deepEqual([...message.subarray(at)], [isForwarding ? 1 : 0]);
  }
});

test("Only success means that the connection is bound.", () => {
  assert.deepEqual(
    [[6], [5], [28], []].map((answer) => isBoundBy(Uint8Array.from(answer))),
    [true, false, false, false],
  );
});
