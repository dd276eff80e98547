/**
 * A client of ssh-agent (draft-miller-ssh-agent) that lists keys and asks for signatures. ssh2's own client drops keys
 * of types that it does not know, believes every length, and waits for ever when an agent hangs.
 */
import { keyType } from "../../codec/keys/fingerprint.ts";
import { readString, writeStrings } from "../../codec/ssh-string.ts";
import { visible } from "../../text/terminal-text.ts";
import type { Ssh2 } from "../ssh2/loading.ts";

export interface AgentKey {
  readonly blob: Buffer;
  readonly type: string;
  readonly comment: string;
}

export interface AgentTimeouts {
  /** The limit for listing the keys. */
  readonly listMs: number;
  /** The limit for a signature. It is long, because a person may have to confirm or to touch a device. */
  readonly signMs: number;
}

/** Where the agent of IdentityAgent listens. Undefined when there is none. */
export function agentSocket(named: string, environment: NodeJS.ProcessEnv): string | undefined {
  if (named.toLowerCase() === "none" || named === "") return undefined;
  // ssh_config(5): the word SSH_AUTH_SOCK, or any name after a dollar sign, is looked up in the environment.
  const variable = named === "SSH_AUTH_SOCK" ? named : /^\$\{?(\w+)\}?$/.exec(named)?.[1];
  const path = variable === undefined ? named : environment[variable];
  return path === "" ? undefined : path;
}

/** The agent accepted the connection and does not answer. */
export class AgentSilent extends Error {
  override readonly name = "AgentSilent";
}

export class Agent {
  /** The agent's name in messages. */
  readonly label: string;
  readonly #connect: () => Promise<AgentStream>;
  readonly #timeouts: AgentTimeouts;

  constructor(ssh2: Ssh2, socketPath: string, timeouts: AgentTimeouts = defaultTimeouts) {
    this.label = visible(socketPath, 120);
    this.#connect = () => connect(ssh2, socketPath);
    this.#timeouts = timeouts;
  }

  /**
   * The agent's keys, in the agent's order. Rejects when no agent is there, or with AgentSilent when the agent does not
   * answer.
   */
  async list(signal?: AbortSignal): Promise<AgentKey[]> {
    const answer = await this.#ask(Buffer.from([requestIdentities]), this.#timeouts.listMs, signal);
    if (answer[0] !== identitiesAnswer) throw new Error(`the agent at ${this.label} does not list its keys`);
    return parseIdentities(answer);
  }

  /**
   * Resolves with an SSH signature: `string algorithm`, `string bytes`, and more fields for some types. `flags` choose
   * the hash for RSA.
   */
  async sign(blob: Uint8Array, data: Uint8Array, flags: number, signal?: AbortSignal): Promise<Buffer> {
    const choice = Buffer.alloc(4);
    choice.writeUInt32BE(flags);
    const request = Buffer.concat([Buffer.from([signRequest]), writeStrings(blob, data), choice]);
    const answer = await this.#ask(request, this.#timeouts.signMs, signal);
    const signature = answer[0] === signResponse ? readString(answer, 1) : undefined;
    if (signature === undefined) throw new Error("the agent refused to sign");
    return Buffer.from(signature.bytes);
  }

  /** One connection for each question, as agents expect from short-lived clients. */
  async #ask(request: Uint8Array, timeoutMs: number, signal: AbortSignal | undefined): Promise<Buffer> {
    signal?.throwIfAborted();
    const connecting = this.#connect();
    const stop = new AbortController();
    const timer = setTimeout(
      () => stop.abort(new AgentSilent(`the agent at ${this.label} did not answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    try {
      const stream = await orAbort(connecting, either);
      return await orAbort(exchange(stream, request), either);
    } finally {
      clearTimeout(timer);
      // This also closes a connection that comes up after the wait is over.
      connecting.then(
        (stream) => stream.destroy(),
        () => {},
      );
    }
  }
}

export const rsaSha256Flag = 2;
export const rsaSha512Flag = 4;

const defaultTimeouts: AgentTimeouts = { listMs: 5_000, signMs: 120_000 };

const requestIdentities = 11;
const identitiesAnswer = 12;
const signRequest = 13;
const signResponse = 14;

/** As OpenSSH's MAX_AGENT_REPLY_LEN and MAX_AGENT_IDENTITIES (authfd.c). */
const maxAnswerBytes = 256 * 1024;
const maxKeys = 2048;

/** The part of a stream that is used here. ssh2 makes the stream of a unix socket, a Windows pipe or Pageant. */
interface AgentStream {
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  on(event: "error" | "end" | "close", listener: () => void): unknown;
  write(data: Uint8Array): unknown;
  destroy(): unknown;
}

function connect(ssh2: Ssh2, socketPath: string): Promise<AgentStream> {
  return new Promise((resolve, reject) => {
    const agent = ssh2.createAgent(socketPath);
    const unreachable = () => new Error(`no agent can be reached at ${visible(socketPath, 120)}`);
    if (agent.getStream === undefined) return reject(unreachable());
    agent.getStream((error, stream) => (error || stream === undefined ? reject(unreachable()) : resolve(stream)));
  });
}

/** Sends one message. Resolves with the answer, without its length field. */
function exchange(stream: AgentStream, request: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const broken = () => reject(new Error("the agent closed the connection without an answer"));
    stream.on("error", broken);
    stream.on("end", broken);
    stream.on("close", broken);
    stream.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4) return;
      const length = received.readUInt32BE(0);
      if (length === 0 || length > maxAnswerBytes) return reject(new Error("the agent's answer makes no sense"));
      if (received.length >= 4 + length) resolve(received.subarray(4, 4 + length));
    });
    stream.write(writeStrings(request));
  });
}

function parseIdentities(answer: Buffer): AgentKey[] {
  const keys: AgentKey[] = [];
  const count = answer.length < 5 ? 0 : Math.min(answer.readUInt32BE(1), maxKeys);
  let offset = 5;
  for (let index = 0; index < count; index++) {
    const blob = readString(answer, offset);
    const comment = readString(answer, blob?.next ?? -1);
    if (blob === undefined || comment === undefined) break;
    offset = comment.next;
    const type = keyType(blob.bytes);
    if (type !== undefined) keys.push({ blob: Buffer.from(blob.bytes), type, comment: comment.bytes.toString("utf8") });
  }
  return keys;
}

function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
