import assert from "node:assert/strict";
import { test } from "node:test";
import { kexInitLists } from "../../../../src/codec/session/kex-init.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import type { ExchangeView, ExchangingView, KexModule } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { exchangesOf } from "../../../../src/ssh/ssh2/exchange-watch.ts";
import { addKeyExchanges, kexInitMessage } from "../../../../src/ssh/ssh2/key-exchange.ts";
import { TakenExchange } from "../../../../src/ssh/ssh2/taken-exchange.ts";

function kexInit(exchanges: string): Buffer {
  const lists = [exchanges, "ssh-ed25519", "aes128-ctr", "aes128-ctr", "umac-64", "umac-128", "none", "none", "", ""];
  return Buffer.concat([Buffer.of(kexInitMessage), Buffer.alloc(16, 7), writeStrings(...lists), Buffer.alloc(5)]);
}

interface Played extends ExchangingView {
  readonly _offer: NonNullable<ExchangingView["_offer"]>;
  readonly errors: string[];
}

function protocolOf(ours: string, server = false): Played {
  const errors: string[] = [];
  const _onError = (error: Error) => void errors.push(error.message);
  return { _server: server, _offer: { lists: { kex: { array: ours.split(",") } } }, errors, _onError };
}

/** Plays kex.js: agrees, makes an exchange of a kind that it has, starts it. */
function playedModule() {
  const has = ["old", "kin"];
  const started: string[] = [];
  const handle = (protocol: ExchangingView, payload: Buffer) => {
    const [theirs = []] = kexInitLists(payload);
    const ours = protocol._offer?.lists.kex.array ?? [];
    const [client, server] = protocol._server ? [theirs, ours] : [ours, theirs];
    const name = client.find((each) => server.includes(each));
    if (name === undefined) {
      protocol._onError(new Error("Handshake failed: no matching key exchange algorithm"));
      return Number.POSITIVE_INFINITY;
    }
    if (!has.includes(name)) throw new Error(`Unsupported key exchange algorithm: ${name}`);
    const start = () => void started.push(name);
    protocol._kex = {
      negotiated: { kex: name },
      _remoteKexinit: payload,
      start,
    } as Partial<ExchangeView> as ExchangeView;
    protocol._kex.start();
    return 1;
  };
  const module: KexModule = {
    onKEXPayload(_state, payload) {
      return payload[0] === kexInitMessage ? handle(this, payload) : 2;
    },
    HANDLERS: { [kexInitMessage]: handle },
  };
  return { module, started };
}

const first = { firstPacket: true };

/** Both ways in: the first KEXINIT, and one of a rekey. */
const ways: readonly (readonly [string, (module: KexModule, protocol: Played, payload: Buffer) => unknown])[] = [
  ["At first", (module, protocol, payload) => module.onKEXPayload.call(protocol, first, payload)],
  ["At a rekey", (module, protocol, payload) => module.HANDLERS[kexInitMessage]?.(protocol, payload)],
];

for (const [when, receive] of ways) {
  test(`${when} an exchange that ssh2 lacks is made of its kin, changed before it starts, and called by its name.`, () => {
    const { module, started } = playedModule();
    let changed = 0;
    const client = (exchange: unknown) => {
      assert.ok(exchange instanceof TakenExchange);
      assert.equal(started.length, 0);
      changed++;
    };
    addKeyExchanges(module, new Map([["new", { standIn: "kin", client }]]));
    const protocol = protocolOf("new,kin,old");
    const payload = kexInit("old,kin,new");
    assert.equal(receive(module, protocol, payload), 1);
    assert.deepEqual([started, changed], [["kin"], 1]);
    assert.equal(protocol._kex?.negotiated.kex, "new");
    assert.equal(protocol._kex?._remoteKexinit, payload, "what is hashed is what the server sent");
    assert.deepEqual(protocol._offer.lists.kex.array, ["new", "kin", "old"]);
  });
}

test("The trace of -vv calls an exchange that ssh2 lacks by its own name, and its kin by its own.", () => {
  const { module } = playedModule();
  const { onKEXPayload } = module;
  const said: string[] = [];
  module.onKEXPayload = function (state, payload) {
    this._debug?.(`Handshake: (local) KEX method: ${this._offer?.lists.kex.array}`);
    const ret = onKEXPayload.call(this, state, payload);
    this._debug?.("Handshake: KEX algorithm: kin");
    return ret;
  };
  addKeyExchanges(module, new Map([["new", { standIn: "kin", client: () => {} }]]));
  const protocol = protocolOf("new,kin,kin@libssh.org");
  protocol._debug = (text) => void said.push(text);
  const debug = protocol._debug;
  module.onKEXPayload.call(protocol, first, kexInit("new"));
  assert.deepEqual(said, ["Handshake: (local) KEX method: new,kin,kin@libssh.org", "Handshake: KEX algorithm: new"]);
  assert.equal(protocol._debug, debug, "other texts are left alone");
});

test("What the client prefers decides, and others go through untouched.", () => {
  const { module, started } = playedModule();
  addKeyExchanges(module, new Map([["new", { standIn: "kin", client: () => assert.fail("it was changed") }]]));
  for (const [ours, theirs, made] of [
    ["old,new", "new,old", "old"],
    ["kin,new", "new,kin", "kin"],
    ["kin,old", "new,old", "old"],
  ] as const) {
    const payload = kexInit(theirs);
    const protocol = protocolOf(ours);
    module.onKEXPayload.call(protocol, first, payload);
    assert.equal(started.pop(), made);
    assert.equal(protocol._kex?._remoteKexinit, payload);
  }
});

test("A server goes by the client's order, and changes only what was made for servers.", () => {
  const { module, started } = playedModule();
  let changed = 0;
  addKeyExchanges(module, new Map([["new", { standIn: "kin", server: () => void changed++ }]]));
  const protocol = protocolOf("old,new", true);
  module.onKEXPayload.call(protocol, first, kexInit("new,old"));
  assert.deepEqual([started, changed, protocol._kex?.negotiated.kex], [["kin"], 1, "new"]);
  assert.throws(() => module.onKEXPayload.call(protocolOf("new"), first, kexInit("new")), /Unsupported key exchange/);
});

test("One that ssh2 has is changed under its own name.", () => {
  const { module, started } = playedModule();
  let changed = 0;
  addKeyExchanges(module, new Map([["old", { client: () => void changed++ }]]));
  module.onKEXPayload.call(protocolOf("kin,old"), first, kexInit("old"));
  assert.deepEqual([started, changed], [["old"], 1]);
});

test("Whoever watches the exchanges sees each as it was changed, before its first step.", () => {
  const { module, started } = playedModule();
  const story: string[] = [];
  addKeyExchanges(module, new Map([["new", { standIn: "kin", client: () => void story.push("changed") }]]));
  const protocol = protocolOf("new");
  exchangesOf(protocol).onMade(({ negotiated }) => story.push(`${negotiated.kex} after ${started.length} starts`));
  for (const [, receive] of ways) receive(module, protocol, kexInit("new"));
  assert.deepEqual(story, ["changed", "new after 0 starts", "changed", "new after 1 starts"]);
});

test("When nothing is in common, the error says what the server offers, without signals that are no algorithms.", () => {
  const { module } = playedModule();
  addKeyExchanges(module, new Map());
  const protocol = protocolOf("old");
  module.onKEXPayload.call(protocol, first, kexInit("sntrup,x25519,ext-info-s,kex-strict-s-v00@openssh.com"));
  assert.deepEqual(protocol.errors, ["Handshake failed: no matching key exchange algorithm; its offer: sntrup,x25519"]);
  protocol._onError(new Error("no matching key exchange algorithm"));
  assert.equal(protocol.errors[1], "no matching key exchange algorithm", "later errors are left alone");
});

test("An offer is taken from the list that did not match.", () => {
  for (const [what, offer] of [
    ["host key format", "ssh-ed25519"],
    ["C->S cipher", "aes128-ctr"],
    ["C->S MAC", "umac-64"],
    ["S->C MAC", "umac-128"],
    ["S->C compression algorithm", "none"],
  ]) {
    const module: KexModule = {
      onKEXPayload() {
        this._onError(new Error(`Handshake failed: no matching ${what}`));
      },
      HANDLERS: { [kexInitMessage]: () => {} },
    };
    addKeyExchanges(module, new Map());
    const protocol = protocolOf("old");
    module.onKEXPayload.call(protocol, first, kexInit("old"));
    assert.deepEqual(protocol.errors, [`Handshake failed: no matching ${what}; its offer: ${offer}`]);
  }
});

test("Messages that are no KEXINIT, and such as are none any more, go through.", () => {
  const { module } = playedModule();
  addKeyExchanges(module, new Map([["new", { standIn: "kin", client: () => {} }]]));
  assert.equal(module.onKEXPayload.call(protocolOf("new"), first, Buffer.of(30, 1)), 2);
  const broken = protocolOf("new");
  module.onKEXPayload.call(broken, first, Buffer.of(kexInitMessage, 0, 0));
  assert.deepEqual(broken.errors.length, 1);
});

test("A module that looks different is not touched.", () => {
  for (const module of [{}, { onKEXPayload: () => {} }, { onKEXPayload: () => {}, HANDLERS: {} }]) {
    assert.throws(() => addKeyExchanges(module, new Map()), /no such handlers/);
  }
});
