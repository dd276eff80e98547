/**
 * Login by password (RFC 4252, section 8). A wrong password is asked for again, as often as ssh does. When the server
 * wants a new password, the person is asked for one.
 */
import type { AnyAuthMethod } from "ssh2";
import type { Prompter } from "../prompter.ts";
import { serverText } from "../server-text.ts";
import type { AuthContext, AuthMethod } from "./auth-method.ts";
import { noteNeed } from "./auth-record.ts";

export class PasswordMethod implements AuthMethod {
  readonly #context: AuthContext;
  readonly #prompter: Prompter;
  #tries = 0;
  /** The password that was sent last. A change of the password must send it again. */
  #sent: string | undefined;

  constructor(context: AuthContext, prompter: Prompter) {
    this.#context = context;
    this.#prompter = prompter;
  }

  async next(): Promise<AnyAuthMethod | undefined> {
    this.#sent = undefined;
    const { record, account, signal, prompts } = this.#context;
    if (this.#tries++ >= prompts) return undefined;
    noteNeed(record, "person");
    if (this.#tries > 1) this.#prompter.inform("Permission denied, please try again.");
    this.#sent = await this.#prompter.secret(`${account}'s password: `, signal);
    record.attempts.push({ method: "password", answer: undefined });
    return { type: "password", username: record.user, password: this.#sent };
  }

  /**
   * For a server that accepts the password but wants a new one (RFC 4252, section 8). Undefined when the person gives
   * none.
   */
  async change(request: string): Promise<{ old: string; fresh: string } | undefined> {
    const { account, signal } = this.#context;
    const text = serverText(request);
    if (text !== "") this.#prompter.inform(text);
    for (;;) {
      const fresh = await this.#prompter.secret(`Enter ${account}'s new password: `, signal);
      if (fresh === "" || this.#sent === undefined) return undefined;
      const again = await this.#prompter.secret(`Retype ${account}'s new password: `, signal);
      if (fresh !== again) {
        this.#prompter.inform("Mismatch; try again, or enter nothing to give up.");
        continue;
      }
      const old = this.#sent;
      this.#sent = fresh;
      return { old, fresh };
    }
  }
}
