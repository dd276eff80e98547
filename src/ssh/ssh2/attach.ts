/**
 * Connects porthop to the insides of an ssh2 client, once and in a fixed order: first the reading and writing of bytes,
 * then the key exchange, then the messages, each of which has one owner. The result is the ports.
 */
import type { Client } from "ssh2";
import { ChannelMessages } from "./channel-messages.ts";
import { ChannelOpenings } from "./channel-opening.ts";
import { watchKeys } from "./exchange-keys.ts";
import { exchangesOf } from "./exchange-watch.ts";
import { extensionOf } from "./extension-info.ts";
import { sendForeignKeys } from "./foreign-key.ts";
import { GlobalRequests } from "./global-request.ts";
import { readHeaderWhole } from "./header.ts";
import { hostBoundExtension, signForHost } from "./host-bound.ts";
import { offerHostKeys, readCertificates } from "./host-offer.ts";
import { keepProof } from "./host-proof.ts";
import { nameFaults } from "./inbound-fault.ts";
import { LoginMessages } from "./login-messages.ts";
import { takeLargePackets } from "./packet-size.ts";
import type { Ports } from "./ports.ts";
import { hearDebug, hearPackets } from "./reading.ts";
import { Sending } from "./sending.ts";
import { openSession, requestsOn } from "./session-request.ts";
import { viewOf } from "./view-check.ts";
import { linkOf } from "./window.ts";

/**
 * Call this right after `client.connect`, before the server's first byte. Throws when the insides of this ssh2 look
 * different.
 */
export function attach(client: Client): Ports {
  const view = viewOf(client);
  const { _protocol: protocol } = view;
  const handlers = protocol._handlers;
  readHeaderWhole(protocol);
  nameFaults(protocol);
  takeLargePackets(protocol);
  const onPacket = hearPackets(protocol);
  const sending = new Sending(protocol);
  // The order matters for an exchange: an algorithm of ours changes the exchange (key-exchange.ts), then the
  // certificate is read, and only then can a watcher see the keys that result.
  const exchanges = exchangesOf(protocol);
  readCertificates(exchanges);
  const proofOf = keepProof(exchanges);
  sendForeignKeys(protocol);
  const login = new LoginMessages(protocol);
  const requests = new GlobalRequests(view);
  const channels = new ChannelMessages(handlers, view._chanMgr);
  const openings = new ChannelOpenings(client, view);
  const onDebug = hearDebug(handlers);
  const link = linkOf(view);
  client.on("close", () => link.close());
  return {
    client,
    get serverSoftware() {
      return view._remoteVer ?? "";
    },
    get sessionId() {
      return protocol._kex?.sessionID ?? new Uint8Array(0);
    },
    get binding() {
      const [proof, sessionId] = [proofOf(), protocol._kex?.sessionID];
      return proof === undefined || sessionId === undefined ? undefined : { ...proof, sessionId };
    },
    offerHostKeys: (algorithms) => offerHostKeys(protocol, algorithms),
    onKeyExchange: (told) => watchKeys(exchanges, told),
    rekey: () => {
      // Undefined once the connection has ended (Protocol.js, cleanup).
      if (protocol._destruct !== undefined) protocol.rekey();
    },
    get packetNumbers() {
      return { sent: protocol._cipher.outSeqno, received: protocol._decipher?.inSeqno ?? 0 };
    },
    signForHost() {
      const isTaken = () => extensionOf(protocol, hostBoundExtension) === "0";
      signForHost(protocol, () => (isTaken() ? proofOf()?.hostKey : undefined));
    },
    onLoginFailure: (told) => login.onFailure(told),
    onSignatureAlgorithms: (told) => login.onSignatures(told),
    onPasswordDemand: (told) => login.onPasswordDemand(told),
    onGlobalRequest: (name, take) => requests.take(name, take),
    ping: async () => {
      const askedMs = performance.now();
      await requests.ping();
      link.measured(performance.now() - askedMs);
    },
    answeredAfter: (ms) => link.measured(ms),
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
  };
}
