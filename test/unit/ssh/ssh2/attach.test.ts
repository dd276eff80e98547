import assert from "node:assert/strict";
import { test } from "node:test";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { attach } from "../../../../src/ssh/ssh2/attach.ts";
import type { ExchangeView } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { exchangesOf } from "../../../../src/ssh/ssh2/exchange-watch.ts";
import { foreignKey } from "../../../../src/ssh/ssh2/foreign-key.ts";
import type { ClientView } from "../../../../src/ssh/ssh2/view.ts";
import { unheardClient } from "../../../kit/unheard-client.ts";

const ssh2 = await loadSsh2();

/** Taken hold of, and changed before that so that the test sees what is sent and what ssh2 itself hears. */
function made(change: (view: ClientView) => void = () => {}) {
  const client = unheardClient();
  const view = client as unknown as ClientView;
  change(view);
  return { ports: attach(client), view };
}

test("A channel that the server opens passes by the watchers, the refusal of small packets, then its taker, then ssh2.", () => {
  const story: string[] = [];
  const { ports, view } = made(({ _protocol: protocol }) => {
    protocol.channelOpenFail = (_id: number, reason: number, text: string) =>
      void story.push(`refused ${reason} ${text}`);
    protocol._handlers.CHANNEL_OPEN = (_self, { type }) => void story.push(`ssh2 ${type}`);
  });
  const { CHANNEL_OPEN: open } = view._protocol._handlers;
  const opens = (type: string, packetSize = 32_768) =>
    open(view._protocol, { type, sender: 7, window: 2 ** 21, packetSize });
  // Whoever asks first and last: the order is not theirs.
  ports.onChannelOpen("forwarded-tcpip", () => story.push("taker"));
  ports.watchChannelOpens(({ type }) => story.push(`first watcher ${type}`));
  ports.watchChannelOpens(({ type }) => story.push(`second watcher ${type}`));
  opens("forwarded-tcpip");
  opens("x11");
  opens("forwarded-tcpip", 0);
  assert.deepEqual(story, [
    ...["first watcher forwarded-tcpip", "second watcher forwarded-tcpip", "taker"],
    ...["first watcher x11", "second watcher x11", "ssh2 x11"],
    ...["first watcher forwarded-tcpip", "second watcher forwarded-tcpip"],
    "refused 4 packets of 0 bytes are too small",
  ]);
});

test("What a refusal sends is counted as an answer to the server.", () => {
  const story: string[] = [];
  const { ports, view } = made(({ _protocol: protocol }) => {
    protocol.channelOpenFail = () => void story.push("refused");
  });
  ports.onAnswer((send) => {
    story.push("answering");
    send();
  });
  const { _protocol: protocol } = view;
  protocol._handlers.CHANNEL_OPEN(protocol, { type: "x11", sender: 7, window: 2 ** 21, packetSize: 0 });
  ports.onChannelOpen("x11", ({ refuse }) => refuse({ reason: 1, text: "no" }));
  protocol._handlers.CHANNEL_OPEN(protocol, { type: "x11", sender: 7, window: 2 ** 21, packetSize: 32_768 });
  assert.deepEqual(story, ["answering", "refused", "answering", "refused"]);
});

test("An exchange is changed by its algorithm, then read for its certificate, then whoever wants its keys gets those.", () => {
  const story: string[] = [];
  const { ports, view } = made();
  ports.onKeyExchange(({ secret }) => story.push(`told ${Buffer.from(secret)}`));
  const exchange = exchangeThatTells(view, (what) => story.push(what));
  const { _protocol: protocol } = view;
  const change = (taken: ExchangeView) => {
    taken.computeSecret = () => Buffer.from("our secret");
  };
  exchangesOf(protocol).changing(change, () => {
    protocol._kex = exchange;
  });
  assert.deepEqual(story, ["secret computed anew", "certificate", "secret computed anew"]);
  assert.equal(exchange.negotiated.serverHostKey, "ssh-rsa-cert-v01@openssh.com");
  assert.equal(String(exchange.computeSecret(Buffer.alloc(1))), "our secret");
  assert.equal(story.at(-1), "told our secret");
});

/** Agrees on a certificate, and says when its parts are changed. */
function exchangeThatTells({ _protocol: protocol }: ClientView, tell: (what: string) => void): ExchangeView {
  let name = "rsa-sha2-512-cert-v01@openssh.com";
  let compute: ExchangeView["computeSecret"] = () => assert.fail("it is not ssh2's");
  const parts: Partial<ExchangeView> = {
    negotiated: {
      kex: "curve25519-sha256",
      get serverHostKey() {
        return name;
      },
      set serverHostKey(changed) {
        tell("certificate");
        name = changed;
      },
    },
    ...{ _protocol: protocol, _kexinit: Buffer.alloc(100), _dh: null, _keys: null },
    get computeSecret() {
      return compute;
    },
    set computeSecret(changed) {
      tell("secret computed anew");
      compute = changed;
    },
  };
  return parts as ExchangeView;
}

test("A client that looks different is not touched, and there are no ports.", () => {
  const client = unheardClient();
  const view = client as unknown as { _protocol: ClientView["_protocol"]; _acceptX11?: unknown };
  const { _parse: parse, _handlers: handlers } = view._protocol;
  const { CHANNEL_OPEN: open } = handlers;
  view._acceptX11 = undefined;
  assert.throws(() => attach(client), /it has no Client\._acceptX11$/);
  assert.deepEqual([view._protocol._parse === parse, handlers.CHANNEL_OPEN === open], [true, true]);
});

test("An identification in pieces is read whole, and keys that ssh2 does not know are offered under their own names.", () => {
  const offered: unknown[] = [];
  const { ports, view } = made(({ _protocol: protocol }) => {
    protocol.authPK = (user, _key, algorithm) => void offered.push(user, algorithm);
  });
  const { _protocol: protocol } = view;
  for (const piece of ["SSH-2", ".0-Open", "SSH_10.1\r\n"]) {
    assert.equal(ports.serverSoftware, "");
    protocol._parse(Buffer.from(piece), 0, piece.length);
  }
  assert.equal(ports.serverSoftware, "OpenSSH_10.1");
  const key = foreignKey(ssh2, Buffer.from("blob"), "sk-ssh-ed25519@openssh.com");
  protocol.authPK("anna", key ?? assert.fail("ssh2 has no Ed25519"));
  assert.deepEqual(offered, ["anna", "sk-ssh-ed25519@openssh.com"]);
});

test("Each port hears of what it is named after, and of nothing else.", () => {
  const story: string[] = [];
  const { ports, view } = made(({ _protocol: { _handlers: handlers } }) => {
    // Nobody is logging in here, so ssh2 has nothing to do with a refusal.
    handlers.USERAUTH_FAILURE = () => {};
  });
  ports.onLoginFailure((methods, isPartial) => story.push(`failure ${methods} ${isPartial}`));
  ports.onSignatureAlgorithms((algorithms) => story.push(`signatures ${algorithms}`));
  ports.onPasswordDemand((prompt) => story.push(`demand ${prompt}`));
  ports.onGlobalRequest("hostkeys-00@openssh.com", (data) => story.push(`request ${data}`));
  ports.onDebug((text) => story.push(`debug ${text}`));
  ports.onPacket(() => story.push("packet"));
  ports.onData((bytes) => story.push(`data ${bytes}`));
  const { _protocol: protocol } = view;
  const { _handlers: handlers } = protocol;
  const said: readonly (readonly [say: () => void, heard: string])[] = [
    [() => handlers.USERAUTH_FAILURE(protocol, ["password"], true), "failure password true"],
    [() => handlers.EXT_INFO(protocol, [{ name: "server-sig-algs", algs: ["ssh-rsa"] }]), "signatures ssh-rsa"],
    [() => handlers.USERAUTH_PASSWD_CHANGEREQ(protocol, "Expired"), "demand Expired"],
    [() => handlers.GLOBAL_REQUEST(protocol, "hostkeys-00@openssh.com", false, "keys"), "request keys"],
    [() => handlers.DEBUG?.(protocol, true, "hello"), "debug hello"],
    [() => protocol._onPacket(), "packet"],
    [() => handlers.CHANNEL_DATA(protocol, 7, Buffer.alloc(3)), "data 3"],
  ];
  for (const [say] of said) say();
  assert.deepEqual(
    story,
    said.map(([, heard]) => heard),
  );
});

test("The offer of host keys and what is held back are the client's own.", () => {
  const { ports, view } = made();
  const { _protocol: protocol } = view;
  ports.offerHostKeys(["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"]);
  const { serverHostKey, kex } = protocol._offer.lists;
  assert.deepEqual(serverHostKey.array, ["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"]);
  assert.ok(kex.array.includes("kex-strict-c-v00@openssh.com"));
  assert.equal(ports.isHolding, false);
  protocol._queue = [];
  assert.equal(ports.isHolding, true);
});
