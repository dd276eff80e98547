/**
 * A session channel before anything runs on it (RFC 4254, section 6). The channel is opened early, because a server may
 * allow only one (MaxSessions 1), and started when the forwards are up. All requests are sent at once, as ssh does, so
 * a command costs one round trip, no matter how many requests go with it.
 */
import type { ClientChannel } from "ssh2";
import { formatAddress } from "../../codec/address.ts";
import type { SessionBinding } from "../../codec/session/session-bind.ts";
import { encodeModes, type TerminalModes } from "../../codec/session/terminal-modes.ts";
import type { TerminalSize } from "../../codec/session/terminal-size.ts";
import { PorthopError } from "../../errors.ts";
import type { Cancel } from "../../flow/conn.ts";
import { openFailureText, type Peer } from "../ssh-failure.ts";
import type { Ports } from "../ssh2/ports.ts";
import type { SessionRequests } from "../ssh2/session-request.ts";
import type { ChannelCarrier } from "./channel-conn.ts";
import { RemoteCommand } from "./remote-command.ts";
import type { RemoteCarrier } from "./remote-inbound.ts";
import type { SideCarrier } from "./side-channel.ts";
import type { X11Request } from "./x11-forward.ts";

export interface TerminalRequest extends TerminalSize {
  /** The value of TERM. */
  readonly type: string;
  readonly modes: TerminalModes;
}

export interface CommandRequest {
  /** Undefined for the user's login shell. */
  readonly command: string | undefined;
  readonly terminal: TerminalRequest | undefined;
  readonly environment: readonly (readonly [name: string, value: string])[];
  readonly agent: boolean;
  readonly x11: X11Request | undefined;
}

export interface SessionCarrier extends ChannelCarrier, RemoteCarrier {
  readonly ports: Pick<Ports, "binding" | "openSession" | "requestsOn" | "onChannelOpen">;
  readonly peer: Peer;
  /** Remembers the command, so that the command hears of the loss of its session. */
  hold(command: RemoteCommand): void;
}

export class SessionChannel {
  /** For the channels that the server opens to the agent and the X server of this machine. */
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
      carrier.ports.openSession(answer);
    });
  }

  /** What the session's first key exchange proved, for the agent that is forwarded. */
  get binding(): SessionBinding | undefined {
    return this.#carrier.ports.binding;
  }

  /** Rejects when the server does not run the command. `refused` hears, in words, what else the server refuses. */
  start(request: CommandRequest, refused: (what: string) => void): Promise<RemoteCommand> {
    const { ports, goneBy } = this.#carrier;
    const command = new RemoteCommand(this.#channel, this.#carrier);
    this.#carrier.hold(command);
    return new Promise((resolve, reject) => {
      const fail = (what: string) => {
        this.#channel.close();
        reject(this.#carrier.goneBy ?? commandRefused(what, this.#carrier.peer));
      };
      if (goneBy !== undefined) return reject(goneBy);
      const requests = ports.requestsOn(this.#channel);
      if (requests === undefined) return fail("run the command: it closed the channel");
      askBeside(requests, request, refused, fail);
      requests.run(request.command, (isRefused) => (isRefused ? fail("run the command") : resolve(command)));
    });
  }

  close(): void {
    if (this.#carrier.goneBy === undefined) this.#channel.close();
  }
}

/** Sends all requests that come before the command itself. */
function askBeside(
  requests: SessionRequests,
  { environment, terminal, x11, agent }: CommandRequest,
  refused: (what: string) => void,
  fail: (what: string) => void,
): void {
  for (const [name, value] of environment) requests.environment(name, value);
  if (terminal !== undefined) {
    const modes = encodeModes(terminal.modes);
    requests.terminal(terminal, terminal.type, modes, (isRefused) => {
      if (isRefused) fail("give a terminal (PermitTTY in its sshd_config)");
    });
  }
  if (x11 !== undefined) {
    const { protocol, fakeCookie, screen } = x11;
    requests.x11({ protocol, cookie: Buffer.from(fakeCookie).toString("hex"), screen }, (isRefused) => {
      if (isRefused) refused("forward X11: X11Forwarding is no in its sshd_config, or it has no xauth");
    });
  }
  if (agent) {
    requests.agent((isRefused) => {
      if (isRefused) refused("forward the agent: AllowAgentForwarding in its sshd_config");
    });
  }
}

function sessionRefused(error: Error, peer: Peer): PorthopError {
  const why = openFailureText(error);
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
