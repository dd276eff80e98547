/**
 * What the rest of ssh/ may hear of ssh2's insides and do with them, one port for each thing. A made-up one is all that a
 * test needs. A later listener takes the place of an earlier one, unless the port says that it is for as many as ask.
 */
import type { Client, ClientChannel } from "ssh2";
import type { ChannelOpening, OpenedChannel } from "./channel-opening.ts";
import type { ExchangeKeys } from "./exchange-keys.ts";
import type { ChangePassword } from "./login-messages.ts";
import type { Answering } from "./sending.ts";
import type { SessionRequests } from "./session-request.ts";
import type { HostKeyView } from "./view.ts";

export interface Ports {
  readonly client: Client;

  /** The software in the server's identification (RFC 4253, section 4.2); empty until that has come. */
  readonly serverSoftware: string;
  /** Of the first key exchange (RFC 4253, section 7.2). */
  readonly sessionId: Uint8Array;

  /** Offers exactly these host key algorithms. Before the server's first word. */
  offerHostKeys(algorithms: readonly string[]): void;
  /** Told of each key exchange from the next one on, as often as somebody asks. Its keys are secret. */
  onKeyExchange(told: (keys: ExchangeKeys) => void): void;
  /** Asks for new keys (RFC 4253, section 9), unless they are being exchanged. */
  rekey(): void;

  /** The server's refusals of a login attempt, before ssh2 has them. */
  onLoginFailure(told: (methods: readonly string[], isPartial: boolean) => void): void;
  onSignatureAlgorithms(told: (algorithms: readonly string[]) => void): void;
  onPasswordDemand(told: (prompt: string, change: ChangePassword) => void): void;

  /** The server's requests of this name, which get a yes (RFC 4254, section 4). */
  onGlobalRequest(name: string, take: (data: unknown) => void): void;
  /** Resolves once the server has answered all that was sent so far; rejects when the session is over. */
  ping(): Promise<void>;
  /** The server's signatures with these keys, undefined when it refuses; rejects when the session is over. */
  proveHostKeys(keys: readonly HostKeyView[]): Promise<Buffer | undefined>;

  /** Channels of this type that the server opens, from now on. */
  onChannelOpen(type: string, take: (opening: ChannelOpening) => void): void;
  /** Each channel that the server opens, before it is decided about; for as many as ask. */
  watchChannelOpens(look: (opened: OpenedChannel) => void): void;
  /** A session channel on which nothing was asked for. */
  openSession(opened: (error: Error | undefined, channel: ClientChannel) => void): void;
  /** What can be asked for on it; undefined when the server has closed it. */
  requestsOn(channel: ClientChannel): SessionRequests | undefined;

  /** What the server says in SSH_MSG_DEBUG (RFC 4253, section 11.3), which may be anything; for as many as ask. */
  onDebug(hear: (text: string) => void): void;
  /** Each packet of the server's, before it is looked at. */
  onPacket(told: () => void): void;
  /** How much each CHANNEL_DATA brings, before its channel has it. */
  onData(told: (bytes: number) => void): void;
  /** Whatever is sent because the server sent something passes through this. */
  onAnswer(answering: Answering): void;
  /** A key exchange holds back what is to be sent. */
  readonly isHolding: boolean;
  /** SSH_MSG_IGNORE, which whoever gets it drops; nothing while keys are exchanged. */
  sendIgnore(): void;
  /** The server is alive: the time until it is asked begins anew. */
  restartKeepAlive(): void;
}
