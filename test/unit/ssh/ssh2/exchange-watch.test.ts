import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExchangeView, ExchangingView } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { exchangesOf } from "../../../../src/ssh/ssh2/exchange-watch.ts";

const protocolOf = (): ExchangingView => ({ _server: false, _onError: () => assert.fail("no error is told here") });
const exchange = (kex: string) => ({ negotiated: { kex, serverHostKey: "" } }) as ExchangeView;

test("Each exchange is told when it is put there, in the order in which the watchers came, and stays to be read.", () => {
  const protocol = protocolOf();
  const told: string[] = [];
  for (const name of ["first", "second"]) {
    exchangesOf(protocol).onMade((made) => {
      assert.equal(protocol._kex, made, "whoever is told may look at it there");
      told.push(`${name} ${made.negotiated.kex}`);
    });
  }
  for (const kex of ["one", "two"]) protocol._kex = exchange(kex);
  assert.deepEqual(told, ["first one", "second one", "first two", "second two"]);
  assert.equal(protocol._kex?.negotiated.kex, "two");
});

test("Of one that is there already, and of one that is taken away, nobody is told.", () => {
  const protocol = protocolOf();
  const early = exchange("early");
  protocol._kex = early;
  exchangesOf(protocol).onMade(() => assert.fail("it was told"));
  assert.equal(protocol._kex, early);
  protocol._kex = undefined;
  assert.equal(protocol._kex, undefined);
});

test("Each connection has one watch of its own.", () => {
  const [one, other] = [protocolOf(), protocolOf()];
  assert.equal(exchangesOf(one), exchangesOf(one));
  assert.notEqual(exchangesOf(one), exchangesOf(other));
  exchangesOf(one).onMade(() => assert.fail("it is the other's"));
  other._kex = exchange("other");
});

test("A change is told before all watchers, of what is made meanwhile and of nothing else.", () => {
  const protocol = protocolOf();
  const exchanges = exchangesOf(protocol);
  const told: string[] = [];
  exchanges.onMade(({ negotiated }) => told.push(`watcher ${negotiated.kex}`));
  const change = ({ negotiated }: ExchangeView) => void told.push(`change ${negotiated.kex}`);
  const given = exchanges.changing(change, () => {
    protocol._kex = exchange("changed");
    return 7;
  });
  assert.equal(given, 7);
  protocol._kex = exchange("later");
  assert.deepEqual(told, ["change changed", "watcher changed", "watcher later"]);
});

test("Where no exchange comes of it, because it throws, the change is forgotten.", () => {
  const protocol = protocolOf();
  const exchanges = exchangesOf(protocol);
  const broken = () => {
    throw new Error("nothing in common");
  };
  assert.throws(() => exchanges.changing(() => assert.fail("it was changed"), broken), /nothing in common/);
  protocol._kex = exchange("later");
  assert.equal(protocol._kex.negotiated.kex, "later");
});
