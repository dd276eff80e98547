/**
 * Global requests (RFC 4254, section 4) of both sides. The answers have no number and come in the order of the
 * requests, so our requests stand in ssh2's own queue.
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

  /** `taker` gets the data of the server's requests with this name. Each request is answered with success. */
  take(name: string, taker: (data: unknown) => void): void {
    this.#takers.set(name, taker);
  }

  /**
   * Resolves once the server has answered everything sent so far, whether with success or failure. Rejects when the
   * session is over.
   */
  async ping(): Promise<void> {
    await this.#ask((protocol) => protocol.ping());
  }

  /**
   * hostkeys-prove-00@openssh.com (OpenSSH's PROTOCOL, section 2.5). Resolves with the server's answer, or with
   * undefined when the server refuses. Rejects when the session is over.
   */
  proveHostKeys(keys: readonly HostKeyView[]): Promise<Buffer | undefined> {
    return this.#ask((protocol) => protocol.openssh_hostKeysProve(keys));
  }

  #ask(send: (protocol: ProtocolView) => void): Promise<Buffer | undefined> {
    const { _protocol: protocol, _callbacks: waiting } = this.#view;
    return new Promise((resolve, reject) => {
      if (protocol._destruct === undefined) throw new Error("the session has ended");
      waiting.push((failed, answer) => {
        // ssh2 passes `true` for a refusal. When the connection ends, ssh2 passes an error to all waiting requests.
        if (failed instanceof Error) reject(failed);
        else resolve(failed === true ? undefined : (answer ?? undefined));
      });
      send(protocol);
    });
  }
}
