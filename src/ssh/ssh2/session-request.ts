/**
 * Requests on a session channel (RFC 4254, section 6), sent one by one. ssh2's own `exec` sends the command at once,
 * and gives the command up when only the agent is refused.
 */
import type { ClientChannel } from "ssh2";
import type { TerminalSize } from "../../codec/session/terminal-size.ts";
import { windowBytes } from "./receive-window.ts";
import type { ClientView, ProtocolView } from "./view.ts";
import { viewOfChannel } from "./view-check.ts";
import { packetBytes } from "./window.ts";

/** `isRefused` is true when the server refused the request, or closed the channel before an answer. */
export type Answered = (isRefused: boolean) => void;

/** The requests on one channel. They are sent in the order of the calls. */
export interface SessionRequests {
  /** No answer is asked for: servers accept few names, and ssh does not ask either. */
  environment(name: string, value: string): void;
  terminal(size: TerminalSize, type: string, modes: Uint8Array, answered: Answered): void;
  /** `cookie` is in hex digits. */
  x11(
    request: { readonly protocol: string; readonly cookie: string; readonly screen: number },
    answered: Answered,
  ): void;
  agent(answered: Answered): void;
  /** Runs the command; without a command, the user's login shell. */
  run(command: string | undefined, answered: Answered): void;
}

/** Opens a session channel, with no request on it yet. */
export function openSession(
  { _chanMgr: channels, _protocol: protocol }: ClientView,
  opened: (error: Error | undefined, channel: ClientChannel) => void,
): void {
  const id = channels.add(Object.assign(opened, { type: "session" }));
  if (id === -1) opened(new Error("no free channels"), undefined as never);
  else protocol.session(id, windowBytes, packetBytes);
}

/** Undefined when the server has already closed the channel. */
export function requestsOn(protocol: ProtocolView, channel: ClientChannel): SessionRequests | undefined {
  const view = viewOfChannel(channel);
  if (view.outgoing.state !== "open") return undefined;
  const { id } = view.outgoing;
  return {
    environment: (name, value) => protocol.env(id, name, value, false),
    terminal({ rows, columns }, type, modes, answered) {
      view._callbacks.push(answered);
      protocol.pty(id, rows, columns, 0, 0, type, modes, true);
    },
    x11(request, answered) {
      view._callbacks.push(answered);
      protocol.x11Forward(id, { single: false, ...request }, true);
    },
    agent(answered) {
      view._callbacks.push(answered);
      protocol.openssh_agentForward(id, true);
    },
    run(command, answered) {
      view._callbacks.push(answered);
      if (command === undefined) protocol.shell(id, true);
      else protocol.exec(id, command, true);
    },
  };
}

/** Tells the server that the command's terminal has a new size (RFC 4254, section 6.7). */
export function resizeTerminal(channel: ClientChannel, { rows, columns }: TerminalSize): void {
  const { outgoing, _client: client } = viewOfChannel(channel);
  if (outgoing.state === "open") client._protocol.windowChange(outgoing.id, rows, columns, 0, 0);
}
