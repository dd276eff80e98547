/**
 * Global requests (RFC 4254, section 4), both ways. Answers have no number and come in the order of the questions, so ours
 * wait in ssh2's own line.
 */
import type { ClientView, HostKeyView, ProtocolView } from "./view.ts";

export class GlobalRequests {
  readonly #view: ClientView;
  readonly #takers = new Map<string, (data: unknown) => void>();

  constructor(view: ClientView) {
    this.#view = view;
    const protocol = view._protocol;
    const handlers = protocol._handlers;
    const decide = handlers.GLOBAL_REQUEST;
    handlers.GLOBAL_REQUEST = (self, name, wantsReply, data) => {
      const taker = this.#takers.get(name);
      if (taker === undefined) return decide(self, name, wantsReply, data);
      if (wantsReply) protocol.requestSuccess();
      taker(data);
    };
  }

  /** Hands over what the server says with requests of this name, which are answered with a yes. */
  take(name: string, taker: (data: unknown) => void): void {
    this.#takers.set(name, taker);
  }

  /** Resolves once the server has answered all that was sent so far, in whatever way; rejects when the session is over. */
  async ping(): Promise<void> {
    await this.#ask((protocol) => protocol.ping());
  }

  /** hostkeys-prove-00@openssh.com (OpenSSH's PROTOCOL, section 2.5): the server's answer, undefined when it refuses; rejects as `ping`. */
  proveHostKeys(keys: readonly HostKeyView[]): Promise<Buffer | undefined> {
    return this.#ask((protocol) => protocol.openssh_hostKeysProve(keys));
  }

  #ask(send: (protocol: ProtocolView) => void): Promise<Buffer | undefined> {
    const { _protocol: protocol, _callbacks: waiting } = this.#view;
    return new Promise((resolve, reject) => {
      if (protocol._destruct === undefined) throw new Error("the session has ended");
      waiting.push((failed, answer) => {
        // A refusal is `true`; at the end of the connection ssh2 tells an error to all that wait.
        if (failed instanceof Error) reject(failed);
        else resolve(failed === true ? undefined : (answer ?? undefined));
      });
      send(protocol);
    });
  }
}
