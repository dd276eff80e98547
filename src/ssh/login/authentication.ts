/**
 * The login in ssh's order: `none` to learn which methods the server accepts, then public keys, keyboard-interactive
 * and password, each only where the server and the settings allow it. A failed login is never repeated here; its record
 * says why it failed.
 */
import type { AnyAuthMethod, AuthHandlerMiddleware } from "ssh2";
import type { PorthopError } from "../../errors.ts";
import type { Logger } from "../../plugin.ts";
import { messageOf } from "../../text/error-message.ts";
import { visible } from "../../text/terminal-text.ts";
import type { Prompter } from "../prompter.ts";
import type { Ssh2 } from "../ssh2/loading.ts";
import type { ChangePassword } from "../ssh2/login-messages.ts";
import type { Ports } from "../ssh2/ports.ts";
import type { AuthContext, AuthMethod } from "./auth-method.ts";
import {
  type Account,
  type AuthRecord,
  authFailure,
  grantedBy,
  type LoginNeeds,
  newAuthRecord,
} from "./auth-record.ts";
import { KeyboardMethod } from "./keyboard-method.ts";
import { PasswordMethod } from "./password-method.ts";
import { type KeySources, PublicKeyMethod } from "./public-key-method.ts";

export interface AuthSettings {
  readonly pubkeyAuthentication: boolean;
  /** Signatures by a public key name the server's host key, where the server can check that. Undefined for yes. */
  readonly namesHost?: boolean | undefined;
  readonly passwordAuthentication: boolean;
  readonly kbdInteractiveAuthentication: boolean;
  readonly batchMode: boolean;
  readonly identitiesOnly: boolean;
  /** PubkeyAcceptedAlgorithms, best first. Undefined for all. */
  readonly acceptedAlgorithms?: readonly string[] | undefined;
  /** True unless AddKeysToAgent is `no`. */
  readonly addsToAgent?: boolean | undefined;
  /** PreferredAuthentications: only these, in this order. */
  readonly preferred: readonly string[];
  /** NumberOfPasswordPrompts */
  readonly passwordPrompts: number;
}

export interface AuthDeps extends Omit<KeySources, "identitiesOnly" | "addsToAgent"> {
  readonly ssh2: Ssh2;
  readonly log: Logger;
  /** Undefined when there is nobody to ask. */
  readonly prompter: Prompter | undefined;
  /** Fires when the connection is gone, and ends open questions and waits for the agent. */
  readonly signal?: AbortSignal | undefined;
}

type LoginPorts = Pick<
  Ports,
  "binding" | "signForHost" | "onLoginFailure" | "onSignatureAlgorithms" | "onPasswordDemand"
>;

/** Make one for each connection: an attempt is never made twice. */
export function createAuthHandler(settings: AuthSettings, login: Account, deps: AuthDeps): Authentication {
  return new Authentication(settings, login, deps);
}

export class Authentication {
  readonly record: AuthRecord;
  /** ssh2's authHandler. An error in a method never reaches ssh2; the record keeps it. */
  readonly handler: AuthHandlerMiddleware;
  readonly #settings: AuthSettings;
  readonly #deps: AuthDeps;
  readonly #order: readonly string[];
  readonly #methods = new Map<string, AuthMethod>();
  #send: ((attempt: AnyAuthMethod | false) => void) | undefined;
  #signatureAlgorithms: readonly string[] | undefined;
  #over = false;

  constructor(settings: AuthSettings, login: Account, deps: AuthDeps) {
    this.record = newAuthRecord(login);
    this.#settings = settings;
    this.#deps = deps;
    this.#order = settings.preferred;
    this.#makeMethods();
    this.handler = (methods, _partial, next) => {
      this.#send = next as (attempt: AnyAuthMethod | false) => void;
      // ssh2 passes null for the first attempt. Between "agent" attempts ssh2 passes the methods of an older answer. So
      // the server's answers are taken from the protocol directly (attach).
      if (methods === null) return this.#send({ type: "none", username: login.user });
      this.#settleUnsent();
      void this.#advance();
    };
  }

  /** Starts to hear the server's answers. Call this before the login. */
  attach(ports: LoginPorts): void {
    this.#deps.agent?.bindTo(() => ports.binding);
    if (this.#settings.namesHost !== false) ports.signForHost();
    ports.onLoginFailure((methods, partial) => this.#answered(methods, partial));
    ports.onSignatureAlgorithms((algorithms) => {
      this.#signatureAlgorithms ??= algorithms;
    });
    ports.onPasswordDemand((request, change) => void this.#changePassword(request, change));
  }

  /** The error of the failed login. `cause` is what ended the connection, when the server ended it. */
  failure(cause?: Error): PorthopError {
    return authFailure(this.record, cause);
  }

  /** What the server accepted in the login, in words. */
  get grounds(): string {
    return grantedBy(this.record);
  }

  /** Who must be there when the same login is made again. Certain once the login has succeeded. */
  get needs(): LoginNeeds {
    return this.record.needs;
  }

  #makeMethods(): void {
    const { prompter, ...deps } = this.#deps;
    const settings = this.#settings;
    const { record } = this;
    const asked = settings.batchMode ? undefined : prompter;
    const context: AuthContext = {
      ssh2: deps.ssh2,
      record,
      log: deps.log,
      prompter: asked,
      signal: deps.signal,
      signatureAlgorithms: () => this.#signatureAlgorithms,
      prompts: settings.passwordPrompts,
      account: visible(`${record.user}@${record.host}`),
      advance: () => void this.#advance(),
      giveUp: (reason) => this.#giveUp(reason),
    };
    if (settings.pubkeyAuthentication) {
      this.#methods.set(
        "publickey",
        new PublicKeyMethod(context, {
          ...deps,
          identitiesOnly: settings.identitiesOnly,
          accepted: settings.acceptedAlgorithms,
          addsToAgent: settings.addsToAgent,
        }),
      );
    }
    if (asked === undefined) return;
    if (settings.kbdInteractiveAuthentication) {
      this.#methods.set("keyboard-interactive", new KeyboardMethod(context, asked));
    }
    if (settings.passwordAuthentication) this.#methods.set("password", new PasswordMethod(context, asked));
  }

  /** Takes the first method in our order that the server accepts and that has something left to try. */
  async #advance(): Promise<void> {
    try {
      for (const name of this.#order) {
        if (this.#over || this.record.serverMethods?.includes(name) !== true) continue;
        const attempt = await this.#methods.get(name)?.next();
        if (attempt === undefined) continue;
        if (!this.#over) this.#send?.(attempt);
        return;
      }
      this.#noteUntried();
      this.#finish();
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(reason: unknown): void {
    if (this.#over) return;
    this.record.stopped = reason;
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    try {
      this.#send?.(false);
    } catch (error) {
      // The connection was closed while a question was open. The code that closed it reports why.
      this.#deps.log.debug(`the login was over before it ended: ${messageOf(error)}`);
    }
  }

  /**
   * For SSH_MSG_USERAUTH_FAILURE: `methods` can go on; `partial` says that the last attempt was accepted as one step of
   * several.
   */
  #answered(methods: readonly string[], partial: boolean): void {
    this.record.serverMethods = methods;
    const last = this.record.attempts.at(-1);
    if (last !== undefined) last.answer ??= partial ? "partial" : "refused";
    if (!partial) return;
    this.#deps.log.debug(`${last?.method ?? "none"} was accepted as one step of the login`);
    for (const method of this.#methods.values()) method.stepAccepted?.();
  }

  /** When ssh2 shares no signature algorithm with the server, ssh2 sends nothing and asks for the next attempt. */
  #settleUnsent(): void {
    const last = this.record.attempts.at(-1);
    if (last === undefined || last.answer !== undefined) return;
    last.answer = "unsent";
    const hint = `the server takes no signature that ${last.key?.label ?? last.method} can make`;
    this.record.obstacles.push({ kind: "unsupported", hint });
  }

  /** Notes the methods that the server accepts and that were not tried, each with the reason. */
  #noteUntried(): void {
    const { batchMode, pubkeyAuthentication, passwordAuthentication, kbdInteractiveAuthentication } = this.#settings;
    const takes = (name: string) => this.record.serverMethods?.includes(name) === true && this.#order.includes(name);
    const off = (name: string, keyword: string) =>
      this.record.obstacles.push({ kind: "disabled", hint: `the server takes ${name}, which ${keyword} turns off` });
    for (const name of this.#methods.keys()) {
      if (this.record.serverMethods?.includes(name) !== true || this.#order.includes(name)) continue;
      const hint = `the server takes ${name}, which PreferredAuthentications leaves out`;
      this.record.obstacles.push({ kind: "disabled", hint });
    }
    if (takes("publickey") && !pubkeyAuthentication) off("publickey", "PubkeyAuthentication no");
    const password = takes("password") && passwordAuthentication;
    const keyboard = takes("keyboard-interactive") && kbdInteractiveAuthentication;
    if (takes("password") && !passwordAuthentication && !keyboard) off("password", "PasswordAuthentication no");
    if (!password && !keyboard) return;
    if (!batchMode && this.#deps.prompter !== undefined) return;
    const why = batchMode ? "BatchMode is on" : "there is no terminal to ask on";
    const hint = `the server would take a password, but ${why}: use a key (-i) or ssh-agent`;
    this.record.obstacles.push({ kind: "no-terminal", hint });
  }

  async #changePassword(request: string, send: ChangePassword): Promise<void> {
    try {
      const method = this.#methods.get("password");
      const change = method instanceof PasswordMethod ? await method.change(request) : undefined;
      if (this.#over) return;
      if (change === undefined) throw new Error("the server wants a new password, and none was given");
      send(this.record.user, change.old, change.fresh);
    } catch (error) {
      this.#giveUp(error);
    }
  }
}
