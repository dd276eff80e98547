/**
 * All that the rest of ssh/ may hear from ssh2's insides and do with them, one port for each thing. A test needs only a
 * made-up object of this type. A new listener replaces the earlier listener, unless the port says "any number of
 * listeners".
 */
import type { Client, ClientChannel } from "ssh2";
import type { SessionBinding } from "../../codec/session/session-bind.ts";
import type { ChannelOpening, OpenedChannel } from "./channel-opening.ts";
import type { ExchangeKeys } from "./exchange-keys.ts";
import type { ChangePassword } from "./login-messages.ts";
import type { Answering } from "./sending.ts";
import type { SessionRequests } from "./session-request.ts";
import type { HostKeyView } from "./view.ts";

export interface Ports {
  readonly client: Client;

  /**
   * The software in the server's identification (RFC 4253, section 4.2). Empty until the identification has arrived.
   */
  readonly serverSoftware: string;
  /** The identifier from the first key exchange (RFC 4253, section 7.2). */
  readonly sessionId: Uint8Array;
  /** What the first key exchange proved, for agents. Undefined until that exchange is over. */
  readonly binding: SessionBinding | undefined;

  /** Offers exactly these host key algorithms. Call this before the server's first byte. */
  offerHostKeys(algorithms: readonly string[]): void;
  /** Hears of each later key exchange. Any number of listeners. The keys are secret. */
  onKeyExchange(told: (keys: ExchangeKeys) => void): void;
  /** Asks for new keys (RFC 4253, section 9), unless an exchange is under way or the session is over. */
  rekey(): void;
  /** The numbers of the next packets (RFC 4253, section 6.4). After an exchange they may begin at 0. */
  readonly packetNumbers: { readonly sent: number; readonly received: number };

  /** From now on signatures of the login name the server's host key, where the server knows this method. */
  signForHost(): void;
  /** Hears of refused login attempts, before ssh2 does. */
  onLoginFailure(told: (methods: readonly string[], isPartial: boolean) => void): void;
  onSignatureAlgorithms(told: (algorithms: readonly string[]) => void): void;
  onPasswordDemand(told: (prompt: string, change: ChangePassword) => void): void;

  /** Takes the server's requests of this name (RFC 4254, section 4). Each is answered with success. */
  onGlobalRequest(name: string, take: (data: unknown) => void): void;
  /** Resolves once the server has answered everything sent so far. Rejects when the session is over. */
  ping(): Promise<void>;
  /** The server took so long to answer something. The shortest of these times stands for the round trip. */
  answeredAfter(ms: number): void;
  /** The server's signatures with these keys; undefined when the server refuses. Rejects when the session is over. */
  proveHostKeys(keys: readonly HostKeyView[]): Promise<Buffer | undefined>;

  /** Takes the channels of this type that the server opens from now on. */
  onChannelOpen(type: string, take: (opening: ChannelOpening) => void): void;
  /** Sees each channel that the server opens, before the decision about it. Any number of listeners. */
  watchChannelOpens(look: (opened: OpenedChannel) => void): void;
  /** Opens a session channel, with no request on it yet. */
  openSession(opened: (error: Error | undefined, channel: ClientChannel) => void): void;
  /** The requests that can be made on the channel. Undefined when the server has closed the channel. */
  requestsOn(channel: ClientChannel): SessionRequests | undefined;

  /**
   * Hears the texts of SSH_MSG_DEBUG (RFC 4253, section 11.3). A hostile server may send anything. Any number of
   * listeners.
   */
  onDebug(hear: (text: string) => void): void;
  /** Hears of each packet from the server before the packet is read. */
  onPacket(told: () => void): void;
  /** Hears the size of each CHANNEL_DATA before the channel gets the data. */
  onData(told: (bytes: number) => void): void;
  /** All that is sent in answer to the server passes through `answering`. */
  onAnswer(answering: Answering): void;
  /** True while a key exchange holds back outgoing messages. */
  readonly isHolding: boolean;
  /** Sends SSH_MSG_IGNORE, which the receiver drops. Sends nothing during a key exchange. */
  sendIgnore(): void;
}
