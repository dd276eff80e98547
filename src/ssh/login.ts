/**
 * The way from a connection with sshd to a session: key exchange with the host key checked, then the login.
 * Answers once, with what was negotiated or with the PorthopError that says who refused what.
 */
import type { Duplex } from "node:stream";
import type { Client, ConnectConfig } from "ssh2";
import { plainKey } from "../codec/keys/certificate.ts";
import { fingerprint, keyType, keyTypeName } from "../codec/keys/fingerprint.ts";
import { PorthopError } from "../errors.ts";
import type { TellProgress } from "../flow/event.ts";
import type { Telling } from "../flow/telling.ts";
import { type AlgorithmWishes, hostKeyOffer, sessionAlgorithms } from "./algorithm/algorithms.ts";
import { handshakeFailure, lost, type Peer } from "./failure.ts";
import { guard } from "./guard.ts";
import { offerHostCertificates } from "./host/host-certificate.ts";
import { heedTraffic } from "./keep-alive.ts";
import { serverText } from "./server-text.ts";

/** How the session decides whom it talks to and proves who it is; made anew for each connection. */
export interface Trust {
  /** Host key types in the order wanted. */
  readonly hostKeyTypes: readonly string[];
  /** Known hosts trust an authority for it: it is asked for a certificate before all plain keys. */
  readonly hasAuthority?: boolean;
  /** Resolves when the key of a first key exchange is the host's. */
  verify(blob: Buffer): Promise<void>;
  readonly authHandler: NonNullable<ConnectConfig["authHandler"]>;
  /** Listens to the server's answers to the login; called right after the client began to connect. */
  attach(client: Client): void;
  /** Why the host key was accepted, and what the login was granted for: for people, once it is so. */
  readonly grounds?: { hostKey(): string | undefined; login(): string } | undefined;
  /** The login failed: why. `cause` is what ended the connection, if the server did. */
  authFailure(cause?: Error): PorthopError;
}

export interface LoginSettings extends Peer {
  readonly user: string;
  /** ConnectTimeout: for the TCP connection, and again for the handshake. */
  readonly connectTimeoutMs: number | undefined;
  readonly keepAliveIntervalMs: number;
  readonly keepAliveCountMax: number;
  readonly algorithms: Omit<AlgorithmWishes, "hostKeys">;
}

export interface Negotiated {
  readonly cipher: string;
  readonly kex: string;
  /** SHA256 fingerprint of the host key. */
  readonly hostKey: string;
  readonly serverSoftware: string;
}

/** For servers that accept a connection and then say nothing. */
const handshakeTimeoutMs = 30_000;

/**
 * `attach` is called once the client has begun to connect, before the server's first word, and `begin` before anything else
 * that came with the login's success is read: their listeners miss nothing.
 */
export function logIn<A, T>(
  client: Client,
  stream: Duplex,
  settings: LoginSettings,
  trust: Trust,
  { bus, trace }: Telling,
  signal: AbortSignal,
  attach: () => A,
  begin: (negotiated: Negotiated, attached: A) => T,
): Promise<T> {
  const tell: TellProgress = (step) => bus.publish({ event: "progress", step });
  return new Promise((resolve, reject) => {
    const check = hostKeyCheck(trust, (error) => client.emit("error", error));
    const heard = firstWords(stream);
    const timer = new HandshakeTimer(settings.connectTimeoutMs ?? handshakeTimeoutMs, (ms) =>
      fail(ended(new Error(`no answer within ${ms / 1000} s`))),
    );
    let negotiated: Omit<Negotiated, "serverSoftware"> | undefined;
    let lastError: Error | undefined;
    let attached: A | undefined;
    const onAbort = () => fail(signal.reason);
    const settle = () => {
      timer.stop();
      heard.stop();
      signal.removeEventListener("abort", onAbort);
      client.removeAllListeners();
    };
    const fail = (error: unknown) => {
      settle();
      client.on("error", (late) => trace?.(`after the failure: ${late.message}`));
      reject(error);
    };
    const ended = (error: Error) => {
      if (negotiated !== undefined) return loginBroken(error, trust, settings);
      return handshakeFailure(error, settings, serverSoftwareOf(client) === "" ? heard.text : undefined);
    };
    client.on("handshake", (algorithms) => {
      timer.stop();
      heard.stop();
      negotiated = {
        cipher: algorithms.cs.cipher,
        kex: algorithms.kex,
        hostKey: check.accepted === undefined ? "" : fingerprint(plainKey(check.accepted)),
      };
      const kind = keyTypeName(keyType(check.accepted ?? new Uint8Array(0)) ?? "");
      const because = trust.grounds?.hostKey();
      tell({ done: "host-key", kind, fingerprint: negotiated.hostKey, because });
    });
    client.on("banner", (text) => bus.publish({ event: "banner", text: serverText(text) }));
    client.on("error", (error) => {
      const level = (error as { level?: string }).level;
      // The agent's errors are not fatal: ssh2 goes on with the next method.
      if (level === "agent") return trace?.(`agent: ${error.message}`);
      lastError = error;
      if (check.refusal !== undefined) return fail(check.refusal);
      if (level === "client-authentication") return fail(trust.authFailure());
      fail(ended(error));
    });
    client.on("close", () => {
      if (check.refusal !== undefined) return fail(check.refusal);
      fail(ended(lastError ?? new Error(lostEarly)));
    });
    client.on("ready", () => {
      settle();
      if (negotiated === undefined || attached === undefined)
        return fail(new Error("ssh2 was ready without a handshake"));
      heedTraffic(client, stream, settings.keepAliveIntervalMs);
      tell({ done: "login", by: trust.grounds?.login() });
      resolve(begin({ ...negotiated, serverSoftware: serverSoftwareOf(client) }, attached));
    });
    hearGreeting(client, stream, tell);
    // An abort that came while the host keys were being read tells nobody any more.
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    // ssh2 would wait for ever for a stream whose end it has not heard.
    if (!stream.writable) return fail(ended(new Error(lostEarly)));
    try {
      client.connect({
        sock: stream,
        username: settings.user,
        algorithms: sessionAlgorithms({ ...settings.algorithms, hostKeys: trust.hostKeyTypes }),
        hostVerifier: (key: Buffer, answer: (valid: boolean) => void) => check.verify(key, answer, timer),
        authHandler: trust.authHandler,
        keepaliveInterval: settings.keepAliveIntervalMs,
        keepaliveCountMax: settings.keepAliveCountMax,
        readyTimeout: 0,
        // A server that is not OpenSSH may know sockets all the same (RFC 4254 lets it say no); ssh2 would not even ask.
        strictVendor: false,
        ...(trace === undefined ? {} : { debug: trace }),
      });
      guard(client);
      attached = attach();
      trust.attach(client);
      offerCertificates(client, settings, trust);
    } catch (error) {
      fail(error instanceof PorthopError ? error : handshakeFailure(error as Error, settings));
    }
  });
}

function offerCertificates(client: Client, { algorithms }: LoginSettings, trust: Trust): void {
  const names = hostKeyOffer({ ...algorithms, hostKeys: trust.hostKeyTypes }, trust.hasAuthority === true);
  if (offerHostCertificates(client, names) || names.some((name) => !name.includes("-cert-"))) return;
  // The plain keys that ssh2 would offer now are what the user's list rules out.
  throw new PorthopError("config.invalid", "HostKeyAlgorithms leaves certificates alone, which this ssh2 cannot take");
}

/** ssh2's own words for it. */
const lostEarly = "Connection lost before handshake";

/** What the server says before anything else: of another service than SSH its first line. */
function firstWords(stream: Duplex) {
  let bytes: Uint8Array = new Uint8Array(0);
  const listen = (chunk: Uint8Array) => {
    bytes = Buffer.concat([bytes, chunk.subarray(0, 256 - bytes.length)]);
    if (bytes.length === 256) stop();
  };
  const stop = () => stream.removeListener("data", listen);
  stream.on("data", listen);
  return {
    stop,
    get text() {
      return Buffer.from(bytes).toString("latin1");
    },
  };
}

/** Tells the server's software as soon as ssh2 has read it. */
function hearGreeting(client: Client, stream: Duplex, tell: TellProgress): void {
  const look = () => {
    const software = serverSoftwareOf(client);
    if (software === "" || !stream.listeners("data").includes(listen)) return;
    stream.removeListener("data", listen);
    tell({ done: "greeting", software });
  };
  // ssh2's own listener comes after this one: by the end of the turn it has read the chunk.
  const listen = () => queueMicrotask(look);
  stream.on("data", listen);
}

/** sshd ends the connection itself when a login failed too often (MaxAuthTries): that is a failed login, not a lost line. */
function loginBroken(error: Error, trust: Trust, settings: LoginSettings): PorthopError {
  if (/authentication failures|Too many/i.test(error.message)) return trust.authFailure(error);
  return lost(error, settings);
}

/**
 * ssh2 asks at every key exchange. Only the first may be answered later: an answer that comes while data is being sent
 * corrupts the stream, so a rekey is answered at once by comparing with the key that was accepted.
 */
function hostKeyCheck(trust: Trust, broken: (error: unknown) => void) {
  const state: {
    accepted: Buffer | undefined;
    refusal: PorthopError | undefined;
    verify(key: Buffer, answer: (valid: boolean) => void, timer: HandshakeTimer): boolean | undefined;
  } = {
    accepted: undefined,
    refusal: undefined,
    verify(key, answer, timer) {
      if (state.accepted !== undefined) return key.equals(state.accepted);
      timer.pause();
      trust
        .verify(key)
        .then(
          () => {
            state.accepted = Buffer.from(key);
            timer.resume();
            answer(true);
          },
          (error: PorthopError) => {
            state.refusal = error;
            answer(false);
          },
        )
        // The key exchange goes on inside of `answer`, with whatever the server has sent for it.
        .catch(broken);
      return undefined;
    },
  };
  return state;
}

/** Runs only while the server has the word: a person may think about a host key for as long as they like. */
class HandshakeTimer {
  readonly #ms: number;
  readonly #expire: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(ms: number, expired: (ms: number) => void) {
    this.#ms = ms;
    this.#expire = () => expired(ms);
    this.resume();
  }

  /** An answer to a question may come after all is over. */
  resume(): void {
    if (!this.#isOver) this.#timer = setTimeout(this.#expire, this.#ms);
  }

  pause(): void {
    clearTimeout(this.#timer);
  }

  stop(): void {
    this.#isOver = true;
    this.pause();
  }
}

/** ssh2 1.17.0 keeps the server's version string (RFC 4253, section 4.2) in a private field. */
function serverSoftwareOf(client: Client): string {
  const { _remoteVer } = client as unknown as { _remoteVer?: unknown };
  return typeof _remoteVer === "string" ? _remoteVer : "";
}
