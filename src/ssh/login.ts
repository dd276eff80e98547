/**
 * The way from a connection with sshd to a session: first the key exchange with the check of the host key, then the
 * login. The promise settles once: with what was negotiated, or with a PorthopError that says who refused what.
 */
import type { Duplex } from "node:stream";
import type { Client, ConnectConfig, NegotiatedAlgorithms } from "ssh2";
import { plainKey } from "../codec/keys/certificate.ts";
import { fingerprint, keyType, keyTypeName } from "../codec/keys/fingerprint.ts";
import { PorthopError } from "../errors.ts";
import type { Progress } from "../flow/event.ts";
import type { Telling } from "../flow/telling.ts";
import { visible } from "../text/terminal-text.ts";
import { type AlgorithmWishes, hostKeyOffer, sessionAlgorithms } from "./algorithm/algorithms.ts";
import { Banners } from "./banners.ts";
import { FirstWords, hearGreeting, serverWords } from "./greeting.ts";
import { handshakeFailure, lostEarly } from "./handshake-failure.ts";
import { HandshakeTimer } from "./handshake-timer.ts";
import { HostKeyCheck } from "./host/host-key-at-exchange.ts";
import type { LoginNeeds } from "./login/auth-record.ts";
import { LoginSilence } from "./login-silence.ts";
import { isRecorded, tellReadable } from "./session-watch.ts";
import { isAgentError, isEndOfTries, isLoginError, type Peer } from "./ssh-failure.ts";
import { attach } from "./ssh2/attach.ts";
import type { Ports } from "./ssh2/ports.ts";
import type { HeardOutgoing } from "./transport.ts";

/** How the session checks the server's identity and proves the user's. Made anew for each connection. */
export interface Trust {
  /** Host key algorithms, best first. */
  readonly hostKeyTypes: readonly string[];
  /** True when known_hosts trusts an authority for the host. The server is then asked for a certificate first. */
  readonly hasAuthority?: boolean;
  /**
   * Checks the host key of the first key exchange. Resolves when the key is the host's; rejects with a PorthopError
   * otherwise.
   */
  verify(blob: Buffer): Promise<void>;
  readonly authHandler: NonNullable<ConnectConfig["authHandler"]>;
  /** Starts to hear the server's answers to the login. Called before the server's first byte. */
  attach(ports: Ports): void;
  /** Why the host key was accepted and what the login was granted for, in words for people. Undefined until then. */
  readonly grounds?: { hostKey(): string | undefined; login(): string } | undefined;
  /** Who must be there when the same login is made again. Asked after the login; "nobody" when left out. */
  needs?(): LoginNeeds;
  /** The error of a failed login. `cause` is what ended the connection, when the server ended it. */
  authFailure(cause?: Error): PorthopError;
}

export interface LoginSettings extends Peer {
  readonly user: string;
  /** ConnectTimeout: for the TCP connection; the system's own limit when undefined. */
  readonly connectTimeoutMs: number | undefined;
  /** For the handshake, in which a server may say nothing; the time that people take for answers does not count. */
  readonly handshakeTimeoutMs: number;
  /** How long the server may say nothing during the login, when it is its turn. No limit when left out. */
  readonly loginSilenceMs?: number | undefined;
  readonly algorithms: Omit<AlgorithmWishes, "hostKeys">;
}

export interface Negotiated {
  readonly cipher: string;
  readonly kex: string;
  /** SHA256 fingerprint of the host key. */
  readonly hostKey: string;
  readonly serverSoftware: string;
}

export interface LoginTask<A, T> {
  readonly client: Client;
  readonly stream: Duplex;
  readonly outgoing: Pick<HeardOutgoing, "onGiven">;
  readonly settings: LoginSettings;
  readonly trust: Trust;
  readonly telling: Telling;
  /** Called once the client has begun to connect, before the server's first byte. */
  attach(ports: Ports): A;
  /**
   * Called when the login succeeds, before any bytes that follow the success are read, so listeners added here miss
   * nothing.
   */
  begin(negotiated: Negotiated, attached: A): T;
}

export function logIn<A, T>(task: LoginTask<A, T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => new Login(task, resolve, reject).start(signal));
}

class Login<A, T> {
  readonly #task: LoginTask<A, T>;
  readonly #resolve: (made: T) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #hostKey: HostKeyCheck;
  readonly #heard: FirstWords;
  readonly #timer: HandshakeTimer;
  #silence: LoginSilence | undefined;
  #stopListening = () => {};
  #attached: { readonly ports: Ports; readonly own: A } | undefined;
  #negotiated: Omit<Negotiated, "serverSoftware"> | undefined;
  #lastError: Error | undefined;

  constructor(task: LoginTask<A, T>, resolve: (made: T) => void, reject: (reason: unknown) => void) {
    const { client, stream, settings, trust } = task;
    this.#task = task;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#heard = new FirstWords(stream);
    this.#timer = new HandshakeTimer(settings.handshakeTimeoutMs, (ms) =>
      this.#fail(this.#broken(new Error(`no answer within ${ms / 1000} s`))),
    );
    this.#hostKey = new HostKeyCheck(trust, this.#timer, (error) => client.emit("error", error));
  }

  start(signal: AbortSignal): void {
    const { stream, telling } = this.#task;
    this.#listen();
    const greeted = (software: string) => {
      const { lines } = serverWords(this.#heard.text);
      for (const line of lines) telling.loggerFor().debug(`the server says before its greeting: ${visible(line, 200)}`);
      this.#tell({ done: "greeting", software });
    };
    hearGreeting(stream, () => this.#serverSoftware, greeted);
    const onAbort = () => this.#fail(signal.reason);
    // The signal may have fired while the host keys were read. No event tells of that.
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    this.#stopListening = () => signal.removeEventListener("abort", onAbort);
    // ssh2 does not see an end that came before, and would wait for ever.
    if (!stream.writable || stream.readableEnded) {
      this.#fail(this.#broken(lostEarly()));
      return;
    }
    try {
      this.#connect();
    } catch (error) {
      this.#fail(error instanceof PorthopError ? error : this.#broken(error as Error));
    }
  }

  #listen(): void {
    const { client, telling } = this.#task;
    client.on("handshake", (algorithms) => this.#exchanged(algorithms));
    const banners = new Banners();
    client.on("banner", (banner) => {
      const text = banners.take(banner);
      if (text !== undefined) telling.bus.publish({ event: "banner", text });
    });
    client.on("error", (error) => this.#erred(error));
    client.on("close", () => this.#fail(this.#hostKey.refusal ?? this.#broken(this.#lastError ?? lostEarly())));
    client.on("ready", () => this.#granted());
  }

  #connect(): void {
    const { client, stream, settings, trust, telling } = this.#task;
    const wishes = { ...settings.algorithms, hostKeys: trust.hostKeyTypes, isRecorded: isRecorded(telling) };
    client.connect({
      sock: stream,
      username: settings.user,
      algorithms: sessionAlgorithms(wishes),
      hostVerifier: (key: Buffer, answer: (valid: boolean) => void) => this.#hostKey.verify(key, answer),
      authHandler: trust.authHandler,
      readyTimeout: 0,
      // Some servers other than OpenSSH support unix sockets too. With strictVendor, ssh2 would not even ask them. A
      // server without support just refuses (RFC 4254).
      strictVendor: false,
      ...(telling.trace === undefined ? {} : { debug: telling.trace }),
    });
    const ports = attach(client);
    this.#attached = { ports, own: this.#task.attach(ports) };
    trust.attach(ports);
    ports.offerHostKeys(hostKeyOffer(wishes, trust.hasAuthority === true));
  }

  #exchanged(algorithms: NegotiatedAlgorithms): void {
    this.#timer.stop();
    this.#heard.stop();
    const { settings, telling } = this.#task;
    this.#limitSilence();
    tellReadable(algorithms, settings.host, settings.algorithms, telling);
    const key = this.#hostKey.accepted;
    const hostKey = key === undefined ? "" : fingerprint(plainKey(key));
    this.#negotiated = { cipher: algorithms.cs.cipher, kex: algorithms.kex, hostKey };
    const kind = keyTypeName(keyType(key ?? new Uint8Array(0)) ?? "");
    this.#tell({ done: "host-key", kind, fingerprint: hostKey, because: this.#task.trust.grounds?.hostKey() });
  }

  /** The connection may die during the login too, and nothing else would ever tell. */
  #limitSilence(): void {
    const { stream, outgoing, settings } = this.#task;
    const { loginSilenceMs } = settings;
    if (loginSilenceMs === undefined) return;
    this.#silence = new LoginSilence(stream, outgoing, loginSilenceMs, (ms) =>
      this.#fail(this.#broken(new Error(`no answer to the login within ${ms / 1000} s`))),
    );
  }

  #erred(error: Error): void {
    const { trust, telling } = this.#task;
    if (isAgentError(error)) {
      telling.trace?.(`agent: ${error.message}`);
      return;
    }
    this.#lastError ??= error;
    const reason = this.#hostKey.refusal ?? (isLoginError(error) ? trust.authFailure() : this.#broken(error));
    this.#fail(reason);
  }

  #granted(): void {
    this.#settle();
    if (this.#negotiated === undefined || this.#attached === undefined) {
      this.#fail(new Error("ssh2 was ready without a handshake"));
      return;
    }
    this.#tell({ done: "login", by: this.#task.trust.grounds?.login() });
    const negotiated = { ...this.#negotiated, serverSoftware: this.#serverSoftware };
    this.#resolve(this.#task.begin(negotiated, this.#attached.own));
  }

  #fail(reason: unknown): void {
    const { client, telling } = this.#task;
    this.#settle();
    client.on("error", (late) => telling.trace?.(`after the failure: ${late.message}`));
    this.#reject(reason);
  }

  #settle(): void {
    this.#timer.stop();
    this.#silence?.stop();
    this.#heard.stop();
    this.#stopListening();
    this.#task.client.removeAllListeners();
  }

  /** The error for an end of the connection at this point of the login. */
  #broken(error: Error): PorthopError {
    const { settings, trust } = this.#task;
    const isExchanged = this.#negotiated !== undefined;
    if (isExchanged && isEndOfTries(error)) return trust.authFailure(error);
    const isGreeted = this.#serverSoftware !== "";
    return handshakeFailure(error, settings, { heard: this.#heard.text, isGreeted, isExchanged });
  }

  get #serverSoftware(): string {
    return this.#attached?.ports.serverSoftware ?? "";
  }

  #tell(step: Progress): void {
    this.#task.telling.bus.publish({ event: "progress", step });
  }
}
