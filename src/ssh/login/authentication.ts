/**
 * The login as ssh does it: `none` to learn what the server takes, then public keys, keyboard-interactive and password,
 * each only where it is offered and allowed. A failed login is never tried again by itself; its record tells why.
 */
import type { AnyAuthMethod, AuthHandlerMiddleware } from "ssh2";
import type { PorthopError } from "../../errors.ts";
import type { Logger } from "../../plugin.ts";
import { visible } from "../../text/terminal-text.ts";
import type { Prompter } from "../prompter.ts";
import type { Ssh2 } from "../ssh2/loading.ts";
import type { ChangePassword } from "../ssh2/login-messages.ts";
import type { Ports } from "../ssh2/ports.ts";
import type { AuthContext, AuthMethod } from "./auth-method.ts";
import { type AuthRecord, authFailure, grantedBy, type Login, newAuthRecord } from "./auth-record.ts";
import { KeyboardMethod } from "./keyboard-method.ts";
import { PasswordMethod } from "./password-method.ts";
import { type KeySources, PublicKeyMethod } from "./public-key-method.ts";

export interface AuthSettings {
  readonly pubkeyAuthentication: boolean;
  readonly passwordAuthentication: boolean;
  readonly kbdInteractiveAuthentication: boolean;
  readonly batchMode: boolean;
  readonly identitiesOnly: boolean;
  /** PubkeyAcceptedAlgorithms, best first; any when left out. */
  readonly acceptedAlgorithms?: readonly string[] | undefined;
  /** AddKeysToAgent is anything but no. */
  readonly addsToAgent?: boolean | undefined;
  /** PreferredAuthentications: only these, in this order. */
  readonly preferred?: readonly string[] | undefined;
  /** NumberOfPasswordPrompts; 3 by default. */
  readonly passwordPrompts?: number | undefined;
}

export interface AuthDeps extends Omit<KeySources, "identitiesOnly" | "addsToAgent"> {
  readonly ssh2: Ssh2;
  readonly log: Logger;
  /** Undefined where nobody can be asked. */
  readonly prompter: Prompter | undefined;
  /** Aborts questions and the agent when the connection is gone. */
  readonly signal?: AbortSignal | undefined;
  /** The host as the user named it, for the questions; the host itself by default. */
  readonly hostLabel?: string | undefined;
}

type LoginPorts = Pick<Ports, "onLoginFailure" | "onSignatureAlgorithms" | "onPasswordDemand">;

/** One per connection: what is tried once is tried. */
export function createAuthHandler(settings: AuthSettings, login: Login, deps: AuthDeps): Authentication {
  return new Authentication(settings, login, deps);
}

export class Authentication {
  readonly record: AuthRecord;
  /** ssh2's authHandler. Its errors never become ssh2's: they end up in the record. */
  readonly handler: AuthHandlerMiddleware;
  readonly #settings: AuthSettings;
  readonly #deps: AuthDeps;
  readonly #order: readonly string[];
  readonly #methods = new Map<string, AuthMethod>();
  #send: ((attempt: AnyAuthMethod | false) => void) | undefined;
  #signatureAlgorithms: readonly string[] | undefined;
  #over = false;

  constructor(settings: AuthSettings, login: Login, deps: AuthDeps) {
    this.record = newAuthRecord(login);
    this.#settings = settings;
    this.#deps = deps;
    this.#order = settings.preferred ?? ["publickey", "keyboard-interactive", "password"];
    this.#makeMethods();
    this.handler = (methods, _partial, next) => {
      this.#send = next as (attempt: AnyAuthMethod | false) => void;
      // ssh2 asks for the first attempt with null, and while "agent" attempts go on with what an older answer said: what
      // the server answers is heard where it comes in.
      if (methods === null) return this.#send({ type: "none", username: login.user });
      this.#settleUnsent();
      void this.#advance();
    };
  }

  /** Listens to the server's answers. Call it before the login. */
  attach(ports: LoginPorts): void {
    ports.onLoginFailure((methods, partial) => this.#answered(methods, partial));
    ports.onSignatureAlgorithms((algorithms) => {
      this.#signatureAlgorithms ??= algorithms;
    });
    ports.onPasswordDemand((request, change) => void this.#changePassword(request, change));
  }

  /** Why the login failed. `cause` is what ended the connection, if the server did. */
  failure(cause?: Error): PorthopError {
    return authFailure(this.record, cause);
  }

  /** What the login was granted for. */
  get grounds(): string {
    return grantedBy(this.record);
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
      prompts: settings.passwordPrompts ?? 3,
      account: visible(`${record.user}@${deps.hostLabel ?? record.host}`),
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

  /** The first method in our order that the server takes and that still has something to try. */
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
      // The connection was torn down while a question was open: whoever did that knows why.
      this.#deps.log.debug(`the login was over before it ended: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** SSH_MSG_USERAUTH_FAILURE: what can go on, and whether the last attempt was one step of several. */
  #answered(methods: readonly string[], partial: boolean): void {
    this.record.serverMethods = methods;
    const last = this.record.attempts.at(-1);
    if (last !== undefined) last.answer ??= partial ? "partial" : "refused";
    if (partial) this.#deps.log.debug(`${last?.method ?? "none"} was accepted as one step of the login`);
  }

  /** ssh2 asks again without having sent anything when it shares no signature algorithm with the server. */
  #settleUnsent(): void {
    const last = this.record.attempts.at(-1);
    if (last === undefined || last.answer !== undefined) return;
    last.answer = "unsent";
    const hint = `the server takes no signature that ${last.key?.label ?? last.method} can make`;
    this.record.obstacles.push({ kind: "unsupported", hint });
  }

  /** What the server would have taken and was not tried, and why. */
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
