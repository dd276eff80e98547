import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExchangeView } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { type DiffieHellmanKeys, handshakeError, TakenExchange } from "../../../../src/ssh/ssh2/taken-exchange.ts";

/** What ssh2 has made of an exchange, before its first step; what it does by itself is a failure. */
function made(changes: Partial<ExchangeView> = {}): ExchangeView {
  const own = (what: string) => () => assert.fail(`ssh2's own ${what} was called`);
  return {
    ...{ _dh: null, _public: null, start() {} },
    ...{ generateKeys: own("generateKeys"), setDHParams: own("setDHParams") },
    ...{ getPublicKey: own("getPublicKey"), convertPublicKey: own("convertPublicKey") },
    computeSecret: own("computeSecret"),
    ...changes,
  } as ExchangeView;
}

function keys(name: string): DiffieHellmanKeys {
  const publicKey = Buffer.from(name);
  return { publicKey, computeSecret: () => Buffer.alloc(1), getPrivateKey: () => Buffer.alloc(1) };
}

test("Keys are made when they are wanted, once, and stand where ssh2 looks for them.", () => {
  const exchange = made();
  const ours: DiffieHellmanKeys[] = [];
  new TakenExchange(exchange).useKeys(() => {
    ours.push(keys(`public ${ours.length}`));
    return ours.at(-1);
  });
  assert.deepEqual([exchange._dh, ours.length], [null, 0]);
  exchange.generateKeys();
  exchange.generateKeys();
  assert.equal(ours.length, 1);
  assert.equal(exchange._dh, ours[0]);
  assert.equal(String(exchange._public), "public 0");
});

test("For as long as there can be no keys there are none, and what the server chooses is handed over as it came.", () => {
  const exchange = made();
  const taken = new TakenExchange(exchange);
  let group: readonly Buffer[] | undefined;
  taken.onGroup((...chosen) => {
    group = chosen;
  });
  taken.useKeys(() => (group === undefined ? undefined : keys("public")));
  exchange.generateKeys();
  assert.deepEqual([exchange._dh, exchange._public], [null, null]);
  const [prime, generator] = [Buffer.of(0, 0xff), Buffer.of(2)];
  exchange.setDHParams?.(prime, generator);
  assert.deepEqual([group?.[0] === prime, group?.[1] === generator], [true, true]);
  exchange.generateKeys();
  assert.equal(String(exchange._public), "public");
});

test("A group that is refused is refused where ssh2 hands it over.", () => {
  const exchange = made();
  new TakenExchange(exchange).onGroup(() => {
    throw handshakeError(new Error("of no use"));
  });
  assert.throws(() => exchange.setDHParams?.(Buffer.alloc(1), Buffer.alloc(1)), {
    message: "of no use",
    level: "handshake",
  });
});

test("An exchange of shares is started once ours is there, with it, and leaves zeros in front alone.", async () => {
  const making = Promise.withResolvers<void>();
  const started = Promise.withResolvers<Buffer>();
  const share = Buffer.from("\0\0share");
  let isThere = false;
  const exchange = made({
    start(this: ExchangeView) {
      assert.equal(isThere, true);
      // As ssh2 does before it sends it.
      this.generateKeys();
      started.resolve(this.getPublicKey());
    },
  });
  new TakenExchange(exchange).useShare(async () => {
    await making.promise;
    return { share, secret: (other) => Buffer.concat([Buffer.from("K of "), other]) };
  });
  exchange.start();
  const early = exchange.computeSecret(Buffer.from("theirs"));
  assert.match(early instanceof Error ? early.message : "", /^the server answers before it was asked$/);
  isThere = true;
  making.resolve();
  assert.equal(await started.promise, share);
  const theirs = Buffer.from("\0theirs");
  assert.equal(exchange.convertPublicKey(theirs), theirs);
  assert.equal(String(exchange.computeSecret(theirs)), "K of \0theirs");
});

test("A share of the server's that is none is given to ssh2 as an error, of whatever it is made.", async () => {
  for (const thrown of [new Error("the share has 0 bytes"), "the share has 0 bytes"]) {
    const started = Promise.withResolvers<void>();
    const exchange = made({ start: () => started.resolve() });
    new TakenExchange(exchange).useShare(async () => ({
      share: Buffer.alloc(1),
      secret() {
        throw thrown;
      },
    }));
    exchange.start();
    await started.promise;
    const secret = exchange.computeSecret(Buffer.alloc(0));
    assert.equal(secret instanceof Error ? secret.message : secret, "the share has 0 bytes");
  }
});

for (const [what, make, start] of [
  ["A share that cannot be made", () => Promise.reject(new Error("no more")), () => assert.fail("it was started")],
  [
    "A start that fails",
    async () => ({ share: Buffer.alloc(1), secret: () => Buffer.alloc(1) }),
    () => {
      throw new Error("no more");
    },
  ],
] as const) {
  test(`${what} ends the handshake, and is not lost.`, async () => {
    const failure = Promise.withResolvers<Error & { level?: string }>();
    const exchange = made({ start, _protocol: { _server: false, _onError: failure.resolve } });
    new TakenExchange(exchange).useShare(make);
    exchange.start();
    const { message, level } = await failure.promise;
    assert.deepEqual([message, level], ["no more", "handshake"]);
  });
}
