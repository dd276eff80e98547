import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import {
  DamagedPacket,
  Disconnected,
  isInboundFault,
  nameFaults,
  SenselessMessage,
} from "../../../../src/ssh/ssh2/inbound-fault.ts";
import type { DecipherView } from "../../../../src/ssh/ssh2/view.ts";

type Decipher = DecipherView & { decrypt(): void };

/** A connection whose decipher throws `broken` instead of handing on a packet, and else hands it to `read`. */
class Connection {
  readonly errors: Error[] = [];
  readonly _handlers = { DISCONNECT: (_self: unknown, _reason: number, _text: string | undefined) => {} };
  readonly _onError = (error: Error) => void this.errors.push(error);
  _decipher: Decipher | undefined;
  broken: unknown;
  chunks = 0;
  parse = () => {
    this.chunks++;
    if (this._decipher === undefined) throw new Error("Invalid identification string");
    this._decipher.decrypt();
  };

  /** As ssh2 does it after the identification, and after each key exchange. */
  exchange(read: () => unknown): void {
    const connection = this;
    this._decipher = {
      inSeqno: 0,
      _len: 0,
      _onPayload: read,
      decrypt() {
        if (connection.broken !== undefined) throw connection.broken;
        this._onPayload(Buffer.alloc(0));
      },
    };
  }

  thrown(): unknown {
    try {
      (this.parse as (chunk: Buffer, start: number, end: number) => void)(Buffer.alloc(1), 0, 1);
    } catch (error) {
      return error;
    }
    return undefined;
  }
}

function greeted(read: () => unknown = () => {}): Connection {
  const connection = new Connection();
  nameFaults(connection);
  connection.exchange(read);
  return connection;
}

for (const [runtime, text, told] of [
  ["ssh2", "Bad packet length: -7", "its length makes no sense"],
  ["ssh2", "Invalid MAC", "its authentication code is wrong"],
  ["Bun", "Unsupported state or unable to authenticate data", "its authentication code is wrong"],
  ["Deno", "Failed to authenticate data", "its authentication code is wrong"],
] as const) {
  test(`A packet that is not whole is damaged, whatever the words of ${runtime}: ${text}`, () => {
    const connection = greeted();
    assert.equal(connection.thrown(), undefined);
    connection.broken = new Error(text);
    const error = connection.thrown();
    assert.ok(error instanceof DamagedPacket && isInboundFault(error));
    assert.deepEqual([error.message, error.cause], [told, connection.broken]);
    connection.broken = new Error("Digest already called");
    assert.equal(connection.thrown(), undefined, "nothing more is read");
    assert.equal(connection.chunks, 2);
  });
}

test("A whole packet over whose content ssh2 trips is a message without sense.", () => {
  for (const thrown of [new TypeError("undefined is not an object"), new Error("incorrect header check")]) {
    const connection = greeted(() => {
      throw thrown;
    });
    const error = connection.thrown();
    assert.ok(error instanceof SenselessMessage && isInboundFault(error));
    assert.equal(error.message, "the server sent a message that makes no sense");
    assert.equal(connection.thrown(), undefined);
  }
});

test("A packet with more padding than bytes is a message without sense, and not damaged.", () => {
  const connection = greeted();
  connection.broken = new RangeError("length too small");
  assert.ok(connection.thrown() instanceof SenselessMessage);
});

test("It is known again for each packet, decipher and listener which of both it is.", () => {
  const connection = greeted();
  assert.equal(connection.thrown(), undefined);
  // A new key exchange puts a new listener into the old decipher.
  const tripped = new Error("Bad packet length");
  if (connection._decipher !== undefined) {
    connection._decipher._onPayload = () => {
      throw tripped;
    };
  }
  assert.ok(connection.thrown() instanceof SenselessMessage);
  const next = greeted();
  next.exchange(() => {});
  next.broken = tripped;
  assert.ok(next.thrown() instanceof DamagedPacket);
});

test("Before the identification, and for errors of our own, nothing is renamed.", () => {
  const connection = new Connection();
  nameFaults(connection);
  assert.equal((connection.thrown() as Error).message, "Invalid identification string");
  const own = new PorthopError("internal", "ours");
  const later = greeted(() => {
    throw own;
  });
  assert.equal(later.thrown(), own);
  assert.equal(isInboundFault(own), false);
});

test("A goodbye is told with its words and the meaning of its number, made safe, and ends the reading.", () => {
  for (const [reason, text, message, told] of [
    [11, "bye\r\n", "bye", 'it said "bye" (reason 11: the server wanted it)'],
    [12, "", "too many connections", "it gave no words (reason 12: too many connections)"],
    [12, undefined, "too many connections", "it gave no words (reason 12: too many connections)"],
    [99, "", "no reason given", "it gave no words (reason 99)"],
    [0, "\u001b[2J", "\u001b[2J", 'it said "\\x1b[2J" (reason 0)'],
  ] as const) {
    const connection = greeted();
    connection._handlers.DISCONNECT(undefined, reason, text);
    const [error] = connection.errors;
    assert.ok(error instanceof Disconnected && isInboundFault(error));
    assert.deepEqual([error.reason, error.message, error.told], [reason, message, told]);
    connection.broken = new Error("Invalid MAC");
    assert.equal(connection.thrown(), undefined);
  }
});
