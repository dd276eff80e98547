/**
 * A session channel with both ends in the test's hands: porthop's end on this side, ssh2's server on the other. Each
 * request on the channel is recorded and answered as the test says.
 */
import type { ClientChannel, ServerChannel } from "ssh2";
import type { PorthopError } from "../../src/errors.ts";
import type { Conn } from "../../src/flow/conn.ts";
import { channelConn } from "../../src/ssh/channel/channel-conn.ts";
import { type CommandRequest, SessionChannel } from "../../src/ssh/channel/session-channel.ts";
import { ChannelPair } from "./channel-pair.ts";
import { Waiting } from "./waiting.ts";

export class CommandPair implements AsyncDisposable {
  readonly pair: ChannelPair;
  /** The requests that the server got, in order: `env FOO=bar`, `pty xterm 24x80`, `exec ls`. */
  readonly requests: string[] = [];
  /** The kinds of request that the server refuses: `exec`, `pty`, `x11`, `auth-agent`. */
  readonly refused = new Set<string>();
  goneBy: PorthopError | undefined;
  readonly #waiting = new Waiting();
  #far: ServerChannel | undefined;

  private constructor(pair: ChannelPair) {
    this.pair = pair;
    pair.connection.on("session", (accept) => this.#serve(accept() as unknown as Requests));
  }

  static async open(): Promise<CommandPair> {
    return new CommandPair(await ChannelPair.open());
  }

  get carrier() {
    const self = this;
    return {
      ports: this.pair.ports,
      peer: { host: "vishnu", port: 22 },
      get goneBy() {
        return self.goneBy;
      },
      congestion: () => undefined,
      hold: () => {},
      adopt: (channel: ClientChannel, where: string): Conn => channelConn(channel, this.carrier, where, 1),
    };
  }

  channel(signal = new AbortController().signal): Promise<SessionChannel> {
    return SessionChannel.open(this.carrier, signal);
  }

  /** The server's end of the command, once it runs. */
  far(): Promise<ServerChannel> {
    return this.#waiting.until("the command", () => this.#far);
  }

  /** Resolves once the server has got such a request. */
  asked(request: RegExp): Promise<string> {
    return this.#waiting.until(String(request), () => this.requests.find((each) => request.test(each)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.pair[Symbol.asyncDispose]();
  }

  #serve(session: Requests): void {
    const answer = (
      kind: string,
      text: string,
      accept: (() => ServerChannel) | undefined,
      reject: (() => void) | undefined,
    ) => {
      this.requests.push(text === "" ? kind : `${kind} ${text}`);
      if (this.refused.has(kind)) reject?.();
      else if (kind === "exec" || kind === "shell") this.#far = accept?.();
      else accept?.();
      this.#waiting.change();
    };
    session.on("env", (accept, reject, { key, val }) => answer("env", `${key}=${val}`, accept, reject));
    session.on("pty", (accept, reject, { term, rows, cols }) =>
      answer("pty", `${term} ${rows}x${cols}`, accept, reject),
    );
    session.on("x11", (accept, reject, { protocol, screen }) => answer("x11", `${protocol} ${screen}`, accept, reject));
    session.on("auth-agent", (accept, reject) => answer("auth-agent", "", accept, reject));
    session.on("exec", (accept, reject, { command }) => answer("exec", `${command}`, accept, reject));
    session.on("shell", (accept, reject) => answer("shell", "", accept, reject));
    session.on("window-change", (accept, reject, { rows, cols }) =>
      answer("window", `${rows}x${cols}`, accept, reject),
    );
  }
}

/** The part of ssh2's server session that is used here. */
interface Requests {
  on(
    kind: string,
    listener: (
      accept: (() => ServerChannel) | undefined,
      reject: (() => void) | undefined,
      info: Readonly<Record<string, unknown>>,
    ) => void,
  ): void;
}

/** A command without any further request. */
export const plain: CommandRequest = {
  command: "ls",
  terminal: undefined,
  environment: [],
  agent: false,
  x11: undefined,
};
