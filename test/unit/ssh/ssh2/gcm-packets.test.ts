import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import ciphers from "ssh2/lib/protocol/crypto.js";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import type { CryptoModule, GcmCipherView, GcmDecipherView } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { quickenGcm } from "../../../../src/ssh/ssh2/gcm-packets.ts";

const { createCipher, createDecipher, CIPHER_INFO } = ciphers as CryptoModule;
const names = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"] as const;
type Name = (typeof names)[number];

/** ssh2's own code for one end, where its class is not changed. */
const plain = { createCipher, createDecipher, CIPHER_INFO };
const before = classes();
const own = {
  allocPacket: before.encoder.allocPacket,
  encrypt: before.encoder.encrypt,
  decrypt: before.decoder.decrypt,
};
quickenGcm(plain);

function classes() {
  const [encoder, decoder] = [encoderFor("aes128-gcm@openssh.com", () => {}), decoderFor("aes128-gcm@openssh.com")];
  return {
    encoder: Object.getPrototypeOf(encoder) as GcmCipherView,
    decoder: Object.getPrototypeOf(decoder.decipher) as GcmDecipherView,
  };
}

function encoderFor(name: Name, onWrite: (data: Uint8Array) => void): GcmCipherView {
  const outbound = { seqno: 0xffff_fffe, onWrite, cipherInfo: CIPHER_INFO[name], ...keys(name, "cipher") };
  return createCipher({ outbound }) as unknown as GcmCipherView;
}

function decoderFor(name: Name, answers: (false | number | undefined)[] = []) {
  const payloads: string[] = [];
  const onPayload = (payload: Buffer) => {
    payloads.push(payload.toString("latin1"));
    return answers.shift();
  };
  const inbound = { seqno: 0xffff_fffe, onPayload, decipherInfo: CIPHER_INFO[name], ...keys(name, "decipher") };
  return { decipher: createDecipher({ inbound }) as unknown as GcmDecipherView, payloads };
}

/** The counter stands before its overflow, so that it is carried on. */
function keys(name: Name, whose: "cipher" | "decipher") {
  const iv = Buffer.from("0123000000000000fffe", "hex");
  return {
    [`${whose}Key`]: Buffer.alloc(name.startsWith("aes128") ? 16 : 32, 7),
    [`${whose}IV`]: Buffer.concat([Buffer.alloc(2), iv]),
  };
}

function encode(cipher: GcmCipherView, texts: readonly string[]): void {
  for (const text of texts) {
    const packet = cipher.allocPacket(text.length);
    packet.write(text, 5, "latin1");
    cipher.encrypt(packet);
  }
}

/** Runs `work` with ssh2's own methods in place. */
function asBefore<T>(work: () => T): T {
  const { encoder, decoder } = before;
  const quick = { allocPacket: encoder.allocPacket, encrypt: encoder.encrypt };
  const { decrypt } = decoder;
  Object.assign(encoder, { allocPacket: own.allocPacket, encrypt: own.encrypt });
  decoder.decrypt = own.decrypt;
  try {
    return work();
  } finally {
    Object.assign(encoder, quick);
    decoder.decrypt = decrypt;
  }
}

function feed(decipher: GcmDecipherView, bytes: Buffer, cuts: readonly number[]): void {
  let from = 0;
  for (const end of [...cuts, bytes.length]) {
    if (end <= from) continue;
    // ssh2 gets a part of a larger chunk too.
    assert.equal(decipher.decrypt(bytes.subarray(from, end), 0, end - from), undefined);
    from = end;
  }
}

const texts = fc.array(
  fc.oneof(
    fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 60 }),
    fc.integer({ min: 1, max: 33_000 }).map((bytes) => "x".repeat(bytes)),
  ),
  { minLength: 1, maxLength: 8 },
);

for (const name of names) {
  test(`What is written with ${name} is read by ssh2's own code, and the other way round, however it is cut.`, () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), (words, places, isOwnWriter) => {
        const pieces: Uint8Array[] = [];
        const cipher = encoderFor(name, (data) => pieces.push(Uint8Array.from(data)));
        const write = () => encode(cipher, words);
        if (isOwnWriter) asBefore(write);
        else write();
        const bytes = Buffer.concat(pieces);
        const cuts = places.map((place) => place % bytes.length).sort((one, other) => one - other);
        const { decipher, payloads } = decoderFor(name);
        const read = () => feed(decipher, bytes, cuts);
        if (isOwnWriter) read();
        else asBefore(read);
        assert.deepEqual(payloads, words);
        assert.equal(decipher.inSeqno, (0xffff_fffe + words.length) % 2 ** 32);
        assert.equal(cipher.outSeqno, decipher.inSeqno);
      }),
      { numRuns: 60 },
    );
  });
}

test("A small packet is written as one piece, with padding that is never the same.", () => {
  const pieces: Uint8Array[] = [];
  const cipher = encoderFor("aes128-gcm@openssh.com", (data) => pieces.push(data));
  encode(cipher, ["small", "x".repeat(32_768)]);
  assert.deepEqual([pieces.length, pieces[0]?.length], [4, 4 + 16 + 16]);
  const paddings = new Set<string>();
  for (let count = 0; count < 2000; count++) paddings.add(cipher.allocPacket(1).subarray(6).toString("hex"));
  assert.equal(paddings.size, 2000);
});

test("Nothing is written once ssh2 has let go of the encoder.", () => {
  const cipher = encoderFor("aes128-gcm@openssh.com", () => assert.fail("it was written"));
  Object.assign(cipher, { _dead: true });
  encode(cipher, ["late"]);
});

for (const [what, spoil] of [
  ["a byte of the packet", (bytes: Buffer) => bytes.writeUInt8((bytes[9] ?? 0) ^ 1, 9)],
  ["the tag", (bytes: Buffer) => bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1)],
] as const) {
  test(`A packet of which ${what} was changed on the way ends the reading, and nobody gets it.`, () => {
    const pieces: Uint8Array[] = [];
    encode(
      encoderFor("aes128-gcm@openssh.com", (data) => pieces.push(data)),
      ["a message"],
    );
    const bytes = Buffer.concat(pieces);
    spoil(bytes);
    const { decipher, payloads } = decoderFor("aes128-gcm@openssh.com");
    assert.throws(() => decipher.decrypt(bytes, 0, bytes.length), /authenticate/);
    assert.deepEqual(payloads, []);
  });
}

test("Of a packet with more padding than bytes nobody gets a content.", () => {
  for (const [textBytes, paddingBytes] of [
    [1, 16],
    [1, 255],
    [200, 255],
  ] as const) {
    const pieces: Uint8Array[] = [];
    const cipher = encoderFor("aes128-gcm@openssh.com", (data) => pieces.push(data));
    const packet = cipher.allocPacket(textBytes);
    packet[4] = paddingBytes;
    cipher.encrypt(packet);
    const { decipher, payloads } = decoderFor("aes128-gcm@openssh.com");
    assert.throws(() => feed(decipher, Buffer.concat(pieces), []), RangeError);
    assert.deepEqual(payloads, []);
  }
});

for (const length of ["00000000", "0000000f", "00000011", "ffffffff", "00010000"]) {
  test(`A length of ${length} is refused by ssh2's own code, as before.`, () => {
    const { decipher } = decoderFor("aes128-gcm@openssh.com");
    const bytes = Buffer.concat([Buffer.from(length, "hex"), Buffer.alloc(100)]);
    assert.throws(() => decipher.decrypt(bytes, 0, bytes.length), /Bad packet length/);
  });
}

test("Who takes a packet may end the reading behind it, or name the place where it goes on.", () => {
  const pieces: Uint8Array[] = [];
  encode(
    encoderFor("aes128-gcm@openssh.com", (data) => pieces.push(data)),
    ["one", "two"],
  );
  const bytes = Buffer.concat(pieces);
  for (const [answer, place] of [
    [false, bytes.length / 2],
    [5, 5],
  ] as const) {
    const { decipher, payloads } = decoderFor("aes128-gcm@openssh.com", [answer]);
    assert.equal(decipher.decrypt(bytes, 0, bytes.length), place);
    assert.deepEqual(payloads, ["one"]);
  }
});

test("Another ssh2 is named and left as it is.", () => {
  assert.throws(() => quickenGcm({}), /no such functions/);
  const createOther = () => ({ allocPacket: () => Buffer.alloc(0), encrypt: () => {} });
  assert.throws(() => quickenGcm({ ...plain, createCipher: createOther }), /look different/);
});

test("ssh2 as porthop loads it has quick packets.", async () => {
  await loadSsh2();
  const { extensionFlaws } = await import("../../../../src/ssh/ssh2/extension.ts");
  assert.deepEqual(
    extensionFlaws().filter((flaw) => /quick packets/.test(flaw)),
    [],
  );
});
