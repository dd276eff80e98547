/**
 * Takes hold of an ssh2 client, once and in one order: what reads and writes the bytes first, then the key exchange, then the
 * messages, each of which has one owner. What is gained are the ports.
 */
import type { Client } from "ssh2";
import { ChannelMessages } from "./channel-messages.ts";
import { ChannelOpenings } from "./channel-opening.ts";
import { watchKeys } from "./exchange-keys.ts";
import { exchangesOf } from "./exchange-watch.ts";
import { sendForeignKeys } from "./foreign-key.ts";
import { GlobalRequests } from "./global-request.ts";
import { readHeaderWhole } from "./header.ts";
import { offerHostKeys, readCertificates } from "./host-offer.ts";
import { LoginMessages } from "./login-messages.ts";
import type { Ports } from "./ports.ts";
import { hearDebug, hearPackets } from "./reading.ts";
import { Sending } from "./sending.ts";
import { openSession, requestsOn } from "./session-request.ts";
import { viewOf } from "./view-check.ts";

/** Call it right after `client.connect`, before the server's first byte. Throws when this ssh2 looks different inside. */
export function attach(client: Client): Ports {
  const view = viewOf(client);
  const { _protocol: protocol } = view;
  const handlers = protocol._handlers;
  readHeaderWhole(protocol);
  const onPacket = hearPackets(protocol);
  const sending = new Sending(protocol);
  // An exchange is changed by an algorithm of ours first (key-exchange.ts), then read for its certificate; whoever wants its
  // keys comes behind both, for only then it computes what it will.
  const exchanges = exchangesOf(protocol);
  readCertificates(exchanges);
  sendForeignKeys(protocol);
  const login = new LoginMessages(protocol);
  const requests = new GlobalRequests(view);
  const channels = new ChannelMessages(handlers, view._chanMgr);
  const openings = new ChannelOpenings(client, view);
  const onDebug = hearDebug(handlers);
  return {
    client,
    get serverSoftware() {
      return view._remoteVer ?? "";
    },
    get sessionId() {
      return protocol._kex?.sessionID ?? new Uint8Array(0);
    },
    offerHostKeys: (algorithms) => offerHostKeys(protocol, algorithms),
    onKeyExchange: (told) => watchKeys(exchanges, told),
    rekey: () => protocol.rekey(),
    onLoginFailure: (told) => login.onFailure(told),
    onSignatureAlgorithms: (told) => login.onSignatures(told),
    onPasswordDemand: (told) => login.onPasswordDemand(told),
    onGlobalRequest: (name, take) => requests.take(name, take),
    ping: () => requests.ping(),
    proveHostKeys: (keys) => requests.proveHostKeys(keys),
    onChannelOpen: (type, take) => openings.take(type, take),
    watchChannelOpens: (look) => openings.watch(look),
    openSession: (opened) => openSession(view, opened),
    requestsOn: (channel) => requestsOn(protocol, channel),
    onDebug,
    onPacket,
    onData: (told) => channels.onData(told),
    onAnswer: (answering) => sending.onAnswer(answering),
    get isHolding() {
      return sending.isHolding;
    },
    sendIgnore: () => sending.ignore(),
    restartKeepAlive: () => view._resetKA(),
  };
}
