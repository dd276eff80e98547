import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SshNegotiation } from "../../../../src/codec/capture/ssh-negotiation.ts";
import { type KexLists, kexInit, sameLists } from "../../../kit/ssh-stream.ts";

function negotiated(client: KexLists, server: KexLists): SshNegotiation {
  const negotiation = new SshNegotiation();
  negotiation.offer("up", kexInit(client));
  negotiation.offer("down", kexInit(server));
  return negotiation;
}

const gcm = "aes128-gcm@openssh.com";
const chacha = "chacha20-poly1305@openssh.com";
const etm = "hmac-sha2-256-etm@openssh.com";

const agreements: readonly (readonly [
  what: string,
  client: KexLists,
  server: KexLists,
  tagBytes: number | undefined,
])[] = [
  ["GCM with 128 bits has a tag of 16", sameLists(gcm, etm), sameLists(gcm, etm), 16],
  ["GCM with 256 bits too", sameLists("aes256-gcm@openssh.com", ""), sameLists("aes256-gcm@openssh.com", ""), 16],
  ["The client's first choice wins", sameLists(`${chacha},${gcm}`, etm), sameLists(`${gcm},${chacha}`, etm), undefined],
  ["A choice the server lacks is passed over", sameLists(`${chacha},${gcm}`, etm), sameLists(gcm, etm), 16],
  ["Encrypt-then-MAC has its MAC", sameLists("aes256-ctr", etm), sameLists("aes256-ctr,aes128-ctr", etm), 32],
  [
    "SHA-512 has 64",
    sameLists("aes256-ctr", `hmac-sha2-512-etm@openssh.com,${etm}`),
    sameLists("aes256-ctr", `${etm},hmac-sha2-512-etm@openssh.com`),
    64,
  ],
  [
    "Umac has 8",
    sameLists("aes128-ctr", "umac-64-etm@openssh.com"),
    sameLists("aes128-ctr", "umac-64-etm@openssh.com"),
    8,
  ],
  [
    "Encrypt-and-MAC hides the length",
    sameLists("aes128-ctr", `hmac-sha2-256,${etm}`),
    sameLists("aes128-ctr", `${etm},hmac-sha2-256`),
    undefined,
  ],
  ["Chacha hides the length, whatever the MAC", sameLists(chacha, etm), sameLists(chacha, etm), undefined],
  ["Ciphers that have nothing in common agree on nothing", sameLists(gcm, etm), sameLists(chacha, etm), undefined],
  [
    "An unknown encrypt-then-MAC hides the length",
    sameLists("aes128-ctr", "mac-etm@example.com"),
    sameLists("aes128-ctr", "mac-etm@example.com"),
    undefined,
  ],
];

for (const [what, client, server, tagBytes] of agreements) {
  test(what, () => {
    const negotiation = negotiated(client, server);
    assert.equal(negotiation.tagBytes("up"), tagBytes);
    assert.equal(negotiation.tagBytes("down"), tagBytes);
  });
}

test("Each direction is agreed on its own", () => {
  const lists = { upCiphers: gcm, downCiphers: "aes128-ctr", upMacs: "", downMacs: etm };
  const negotiation = negotiated(lists, lists);
  assert.deepEqual([negotiation.tagBytes("up"), negotiation.tagBytes("down")], [16, 32]);
});

test("One side's offer alone agrees on nothing, and a later offer does not replace the first", () => {
  const negotiation = new SshNegotiation();
  negotiation.offer("up", kexInit(sameLists(gcm, etm)));
  assert.equal(negotiation.tagBytes("up"), undefined);
  negotiation.offer("down", kexInit(sameLists(gcm, etm)));
  negotiation.offer("down", kexInit(sameLists(chacha, etm)));
  assert.equal(negotiation.tagBytes("up"), 16);
});

test("An offer that is cut off anywhere agrees on nothing, and no bytes make it throw", () => {
  const whole = kexInit(sameLists(gcm, etm));
  const enough = whole.indexOf("none") - 4;
  for (let length = 0; length < whole.length; length += 1) {
    const negotiation = new SshNegotiation();
    negotiation.offer("up", whole.subarray(0, length));
    negotiation.offer("down", whole);
    assert.equal(negotiation.tagBytes("up"), length < enough ? undefined : 16, `${length} bytes`);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200, size: "max" }), (bytes) => {
      const negotiation = new SshNegotiation();
      negotiation.offer("up", bytes);
      negotiation.offer("down", whole);
      assert.ok([undefined, 16].includes(negotiation.tagBytes("up")));
    }),
  );
});

test("A server with an endless list of names is answered at once", () => {
  const endless = Array.from({ length: 60_000 }, (_, index) => `c${index}`).join(",");
  const start = performance.now();
  assert.equal(
    negotiated(sameLists(endless, ""), sameLists(endless.replaceAll("c", "d"), "")).tagBytes("up"),
    undefined,
  );
  assert.ok(performance.now() - start < 2000);
});
