import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "ssh2";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { hostCertificateAlgorithms, offerHostCertificates } from "../../../../src/ssh/host/host-certificate.ts";
import { writeCertificate } from "../../../kit/certificate-blob.ts";

interface Lists {
  readonly kex: readonly string[];
  readonly serverHostKey: readonly string[];
  readonly cs: Readonly<Record<string, readonly string[]>>;
  readonly sc: Readonly<Record<string, readonly string[]>>;
}

/** As ssh2's KexInit looks from outside. */
class Offer {
  readonly given: Lists;
  readonly lists: object;

  constructor(given: Lists) {
    this.given = given;
    const entry = (array: readonly string[]) => ({ array });
    const way = (lists: Lists["cs"]) =>
      Object.fromEntries(Object.entries(lists).map(([name, array]) => [name, entry(array)]));
    const { kex, serverHostKey, cs, sc } = given;
    this.lists = { kex: entry(kex), serverHostKey: entry(serverHostKey), cs: way(cs), sc: way(sc) };
  }
}

interface Exchange {
  readonly negotiated: { serverHostKey: string };
  _hostKey: Buffer | undefined;
  _sig: Buffer | undefined;
}

const way = { cipher: ["aes128-ctr"], mac: ["hmac-sha2-256"], compress: ["none"], lang: [] };
const plain = ["ssh-ed25519", "rsa-sha2-512"];

function played() {
  const protocol: { _offer: Offer; _kex: Exchange | undefined } = {
    _offer: new Offer({ kex: ["curve25519-sha256", "ext-info-c"], serverHostKey: plain, cs: way, sc: way }),
    _kex: undefined,
  };
  return { protocol, client: { _protocol: protocol } as unknown as Client };
}

test("Host key algorithms are offered in the order given, certificates among them, and all else stays as it was.", () => {
  const certificate = "ssh-ed25519-cert-v01@openssh.com";
  for (const names of [[certificate, ...plain], [...plain, certificate], [certificate], plain]) {
    const { protocol, client } = played();
    const before = protocol._offer.given;
    assert.equal(offerHostCertificates(client, names), true);
    assert.deepEqual(protocol._offer.given, { ...before, serverHostKey: names });
  }
});

for (const [algorithm, type, signed] of [
  ["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"],
  ["rsa-sha2-512-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com", "rsa-sha2-512"],
] as const) {
  test(`With ${algorithm} ssh2 sees the certificate until the signature, and the plain key from then on.`, () => {
    const { protocol, client } = played();
    offerHostCertificates(client, hostCertificateAlgorithms);
    for (let round = 0; round < 2; round++) {
      const exchange: Exchange = { negotiated: { serverHostKey: algorithm }, _hostKey: undefined, _sig: undefined };
      protocol._kex = exchange;
      assert.equal(protocol._kex, exchange);
      assert.equal(exchange.negotiated.serverHostKey, type);
      const certificate = writeCertificate({ stem: type.replace(/-cert-.*/, ""), role: "host" });
      exchange._hostKey = certificate;
      const signature = writeStrings(signed, "signature");
      exchange._sig = signature;
      assert.equal(exchange._hostKey, certificate);
      assert.equal(exchange._sig, signature);
      const key: Buffer = exchange._hostKey ?? Buffer.alloc(0);
      assert.equal(key.subarray(4, 4 + key.readUInt32BE()).toString(), type.replace(/-cert-.*/, ""));
      assert.equal(exchange.negotiated.serverHostKey, signed);
      assert.equal(exchange._sig, signature);
    }
  });
}

test("A plain key passes untouched, and whoever listened to the exchanges before still does.", () => {
  const { protocol, client } = played();
  const heard: unknown[] = [];
  Object.defineProperty(protocol, "_kex", {
    configurable: true,
    get: () => undefined,
    set: (exchange) => void heard.push(exchange),
  });
  assert.equal(offerHostCertificates(client, hostCertificateAlgorithms), true);
  const exchange: Exchange = { negotiated: { serverHostKey: "ssh-ed25519" }, _hostKey: undefined, _sig: undefined };
  protocol._kex = exchange;
  exchange._sig = Buffer.from("signature");
  assert.deepEqual([heard, exchange._sig.toString()], [[exchange], "signature"]);
});

test("A damaged certificate is an error at the signature.", () => {
  const { protocol, client } = played();
  offerHostCertificates(client, hostCertificateAlgorithms);
  const exchange: Exchange = {
    negotiated: { serverHostKey: "ssh-ed25519-cert-v01@openssh.com" },
    _hostKey: undefined,
    _sig: undefined,
  };
  protocol._kex = exchange;
  exchange._hostKey = writeCertificate({}).subarray(0, 90);
  exchange._sig = Buffer.from("signature");
  assert.throws(() => exchange._sig, /the host certificate is wrong: it is damaged/);
});

test("An ssh2 that looks different is left as it is.", () => {
  assert.equal(offerHostCertificates({} as Client, hostCertificateAlgorithms), false);
  const { protocol, client } = played();
  const bare = { ...protocol, _offer: { lists: { serverHostKey: { array: plain } } } };
  assert.equal(offerHostCertificates({ _protocol: bare } as unknown as Client, hostCertificateAlgorithms), false);
  protocol._kex = { negotiated: { serverHostKey: "ssh-ed25519" }, _hostKey: undefined, _sig: undefined };
  assert.equal(offerHostCertificates(client, hostCertificateAlgorithms), false, "it has begun already");
});
