/**
 * A session channel before anything runs on it (RFC 4254, section 6): opened early, because a server may allow only one
 * (MaxSessions 1), and started when the forwards are up. All its requests go out at once, as ssh sends them, so that a
 * command costs one round trip however much is asked for beside it.
 */
import type { Client, ClientChannel } from "ssh2";
import { formatAddress } from "../../codec/address.ts";
import { encodeModes, type TerminalModes } from "../../codec/session/terminal-modes.ts";
import { visible } from "../../codec/terminal-text.ts";
import { PorthopError } from "../../errors.ts";
import type { Cancel } from "../../flow/conn.ts";
import type { Peer } from "../failure.ts";
import type { ChannelCarrier } from "./channel-conn.ts";
import { RemoteCommand, type TerminalSize } from "./remote-command.ts";
import type { RemoteCarrier } from "./remote-inbound.ts";
import type { SideCarrier } from "./side-channel.ts";
import type { X11Request } from "./x11-forward.ts";

export interface TerminalRequest extends TerminalSize {
  /** TERM. */
  readonly type: string;
  readonly modes: TerminalModes;
}

export interface CommandRequest {
  /** The user's login shell when left out. */
  readonly command: string | undefined;
  readonly terminal: TerminalRequest | undefined;
  readonly environment: readonly (readonly [name: string, value: string])[];
  readonly agent: boolean;
  readonly x11: X11Request | undefined;
}

export interface SessionCarrier extends ChannelCarrier, RemoteCarrier {
  readonly client: Client;
  readonly peer: Peer;
  /** Told of the command when its session is lost. */
  hold(command: RemoteCommand): void;
}

export class SessionChannel {
  /** For the channels that the server opens towards the command's agent and X server. */
  readonly carrier: SideCarrier;
  readonly #channel: ClientChannel;
  readonly #carrier: SessionCarrier;

  private constructor(channel: ClientChannel, carrier: SessionCarrier) {
    this.#channel = channel;
    this.#carrier = carrier;
    this.carrier = carrier;
    channel.on("error", () => {});
  }

  static open(carrier: SessionCarrier, signal: Cancel): Promise<SessionChannel> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      const answer = (error: Error | undefined, channel: ClientChannel) => {
        signal.removeEventListener("abort", onAbort);
        if (error !== undefined) return reject(carrier.goneBy ?? sessionRefused(error, carrier.peer));
        if (signal.aborted) return channel.close();
        resolve(new SessionChannel(channel, carrier));
      };
      if (carrier.goneBy !== undefined) return reject(carrier.goneBy);
      if (signal.aborted) return onAbort();
      const { _chanMgr: channels, _protocol: protocol } = carrier.client as unknown as ClientInternals;
      // ssh2's own exec() would send the command at once, and gives it up when only the agent is refused.
      const id = channels.add(Object.assign(answer, { type: "session" }));
      if (id === -1) return answer(new Error("no free channels"), undefined as never);
      protocol.session(id, windowBytes, packetBytes);
    });
  }

  /** Rejects when the server does not run it. What it refuses beside the command is told to `refused`, in words. */
  start(request: CommandRequest, refused: (what: string) => void): Promise<RemoteCommand> {
    const { client, peer } = this.#carrier;
    const { _protocol: protocol } = client as unknown as ClientInternals;
    const internals = this.#channel as unknown as ChannelInternals;
    const id = internals.outgoing.id;
    const command = new RemoteCommand(this.#channel, this.#carrier);
    this.#carrier.hold(command);
    return new Promise((resolve, reject) => {
      const fail = (what: string) => {
        this.#channel.close();
        reject(this.#carrier.goneBy ?? commandRefused(what, peer));
      };
      const ask = (send: () => void, onAnswer: (isRefused: boolean) => void) => {
        internals._callbacks.push(onAnswer);
        send();
      };
      if (this.#carrier.goneBy !== undefined) return reject(this.#carrier.goneBy);
      if (internals.outgoing.state !== "open") return fail("run the command: it closed the channel");
      const { terminal, x11 } = request;
      for (const [name, value] of request.environment) protocol.env(id, name, value, false);
      if (terminal !== undefined) {
        const { rows, columns, type, modes } = terminal;
        ask(
          () => protocol.pty(id, rows, columns, 0, 0, type, encodeModes(modes), true),
          (isRefused) => isRefused && fail("give a terminal (PermitTTY in its sshd_config)"),
        );
      }
      if (x11 !== undefined) {
        const cookie = Buffer.from(x11.fakeCookie).toString("hex");
        ask(
          () => protocol.x11Forward(id, { single: false, protocol: x11.protocol, cookie, screen: x11.screen }, true),
          (isRefused) =>
            isRefused && refused("forward X11: X11Forwarding is no in its sshd_config, or it has no xauth"),
        );
      }
      if (request.agent) {
        ask(
          () => protocol.openssh_agentForward(id, true),
          (isRefused) => isRefused && refused("forward the agent: AllowAgentForwarding in its sshd_config"),
        );
      }
      ask(
        () => (request.command === undefined ? protocol.shell(id, true) : protocol.exec(id, request.command, true)),
        (isRefused) => (isRefused ? fail("run the command") : resolve(command)),
      );
    });
  }

  close(): void {
    if (this.#carrier.goneBy === undefined) this.#channel.close();
  }
}

/** ssh2 1.17.0, lib/Channel.js: MAX_WINDOW and PACKET_SIZE, which it sets up a new channel with. */
const windowBytes = 2 * 1024 * 1024;
const packetBytes = 32 * 1024;

/** What ssh2's types do not show (lib/client.js, lib/Channel.js, lib/protocol/Protocol.js). */
interface ClientInternals {
  readonly _chanMgr: { add(opened: unknown): number };
  readonly _protocol: {
    session(id: number, windowBytes: number, packetBytes: number): void;
    env(id: number, name: string, value: string, wantReply: boolean): void;
    pty(
      id: number,
      rows: number,
      columns: number,
      heightPixels: number,
      widthPixels: number,
      type: string,
      modes: Uint8Array,
      wantReply: boolean,
    ): void;
    x11Forward(
      id: number,
      request: { single: boolean; protocol: string; cookie: string; screen: number },
      wantReply: boolean,
    ): void;
    openssh_agentForward(id: number, wantReply: boolean): void;
    exec(id: number, command: string, wantReply: boolean): void;
    shell(id: number, wantReply: boolean): void;
  };
}

interface ChannelInternals {
  readonly outgoing: { readonly id: number; readonly state: string };
  /** Called with true for a refusal, in the order of the requests; with true as well when the channel is closed. */
  readonly _callbacks: ((isRefused: boolean) => void)[];
}

function sessionRefused(error: Error, peer: Peer): PorthopError {
  const why = visible(error.message.replace(/^\(SSH\) Channel open failure: ?/, ""), 200) || "no reason given";
  return new PorthopError("forward.refused", `${formatAddress(peer)} opened no session for the command: ${why}`, {
    leg: 2,
    hint: "its sshd_config may allow none (MaxSessions 0), or this account may only forward",
    cause: error,
  });
}

function commandRefused(what: string, peer: Peer): PorthopError {
  return new PorthopError("forward.refused", `${formatAddress(peer)} did not ${what}`, {
    leg: 2,
    hint: "the server does not say why; a restriction of the key or ForceCommand may forbid it",
  });
}
