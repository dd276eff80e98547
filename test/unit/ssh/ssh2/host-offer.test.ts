import assert from "node:assert/strict";
import { test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import type { ExchangeView, ExchangingView, OfferView } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { exchangesOf } from "../../../../src/ssh/ssh2/exchange-watch.ts";
import { offerHostKeys, readCertificates } from "../../../../src/ssh/ssh2/host-offer.ts";
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
  readonly lists: OfferView["lists"];

  constructor(given: Lists) {
    this.given = given;
    const entry = (array: readonly string[] = []) => ({ array });
    const way = ({ cipher, mac, compress, lang }: Lists["cs"]) => ({
      ...{ cipher: entry(cipher), mac: entry(mac), compress: entry(compress), lang: entry(lang) },
    });
    const { kex, serverHostKey, cs, sc } = given;
    this.lists = { kex: entry(kex), serverHostKey: entry(serverHostKey), cs: way(cs), sc: way(sc) };
  }
}

const cs = { cipher: ["aes128-ctr"], mac: ["hmac-sha2-256"], compress: ["none"], lang: [] };
const sc = { cipher: ["aes256-ctr"], mac: ["hmac-sha2-512"], compress: ["zlib"], lang: ["de"] };
const plain = ["ssh-ed25519", "rsa-sha2-512"];

/** A connection whose exchanges are watched, and one of them, which agrees on this algorithm. */
function made(serverHostKey: string) {
  const protocol: ExchangingView = { _server: false, _onError: () => assert.fail("no error is told here") };
  readCertificates(exchangesOf(protocol));
  const agree = () => {
    const exchange = { negotiated: { kex: "curve25519-sha256", serverHostKey } } as ExchangeView;
    protocol._kex = exchange;
    assert.equal(protocol._kex, exchange);
    return exchange;
  };
  return { agree, exchange: agree() };
}

test("Host key algorithms are offered in the order given, certificates among them, and all else stays as it was.", () => {
  const certificate = "ssh-ed25519-cert-v01@openssh.com";
  for (const names of [[certificate, ...plain], [...plain, certificate], [certificate], plain]) {
    const lists = { kex: ["curve25519-sha256", "ext-info-c"], serverHostKey: plain, cs, sc };
    const protocol = { _offer: new Offer(lists) };
    offerHostKeys(protocol, names);
    assert.deepEqual(protocol._offer.given, { ...lists, serverHostKey: names });
    assert.deepEqual(protocol._offer.lists.serverHostKey.array, names);
  }
});

for (const [algorithm, type, signed] of [
  ["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"],
  ["rsa-sha2-512-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com", "rsa-sha2-512"],
] as const) {
  test(`With ${algorithm} ssh2 sees the certificate until the signature, and the plain key from then on.`, () => {
    const { agree } = made(algorithm);
    for (let round = 0; round < 2; round++) {
      const exchange = agree();
      assert.equal(exchange.negotiated.serverHostKey, type);
      const certificate = writeCertificate({ stem: type.replace(/-cert-.*/, ""), role: "host" });
      exchange._hostKey = certificate;
      const signature = writeStrings(signed, "signature");
      exchange._sig = signature;
      assert.equal(exchange._hostKey, certificate);
      assert.equal(exchange._sig, signature);
      const key: Buffer = exchange._hostKey;
      assert.equal(key.subarray(4, 4 + key.readUInt32BE()).toString(), type.replace(/-cert-.*/, ""));
      assert.equal(exchange.negotiated.serverHostKey, signed);
      assert.equal(exchange._sig, signature);
    }
  });
}

test("A plain key passes untouched.", () => {
  const { exchange } = made("ssh-ed25519");
  const key = Buffer.from("key");
  exchange._hostKey = key;
  exchange._sig = Buffer.from("signature");
  assert.equal(String(exchange._sig), "signature");
  assert.deepEqual([exchange._hostKey === key, exchange.negotiated.serverHostKey], [true, "ssh-ed25519"]);
});

test("A damaged certificate is an error at the signature.", () => {
  const { exchange } = made("ssh-ed25519-cert-v01@openssh.com");
  exchange._hostKey = writeCertificate({}).subarray(0, 90);
  exchange._sig = Buffer.from("signature");
  assert.throws(() => exchange._sig, /the host certificate is wrong: it is damaged/);
});

test("Before the signature has come nothing is changed, however often it is looked for; and ssh2 may forget it again.", () => {
  const { exchange } = made("ssh-ed25519-cert-v01@openssh.com");
  const certificate = writeCertificate({ role: "host" });
  exchange._hostKey = certificate;
  assert.deepEqual([exchange._sig, exchange._hostKey === certificate], [undefined, true]);
  exchange._sig = Buffer.from("signature");
  assert.equal(String(exchange._sig), "signature");
  assert.notEqual(exchange._hostKey, certificate);
  exchange._sig = undefined;
  assert.equal(exchange._sig, undefined);
});
