/**
 * A client of ssh-agent (draft-miller-ssh-agent) that lists keys and asks for signatures. ssh2's own client drops keys
 * of types that it does not know, believes every length, and waits for ever when an agent hangs.
 */
import { keyType } from "../../codec/keys/fingerprint.ts";
import { isBoundBy, type SessionBinding, sessionBind } from "../../codec/session/session-bind.ts";
import { readString, writeStrings } from "../../codec/ssh-string.ts";
import { visible } from "../../text/terminal-text.ts";
import type { Ssh2 } from "../ssh2/loading.ts";
import { AgentHungUp, askAgent } from "./agent-connection.ts";

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
  readonly #ask: (messages: readonly Uint8Array[], signal: AbortSignal) => Promise<Buffer[]>;
  readonly #timeouts: AgentTimeouts;
  #binding: () => SessionBinding | undefined = () => undefined;
  #isBound = false;
  #hangsUp = false;

  constructor(ssh2: Ssh2, socketPath: string, timeouts: AgentTimeouts = defaultTimeouts) {
    this.label = visible(socketPath, 120);
    this.#ask = (messages, signal) => askAgent(ssh2, socketPath, messages, signal);
    this.#timeouts = timeouts;
  }

  /** All questions from now on are for this session. `binding` is called at each question. */
  bindTo(binding: () => SessionBinding | undefined): void {
    this.#binding = binding;
  }

  /** True when the agent has bound the latest question to the session. */
  get isBound(): boolean {
    return this.#isBound;
  }

  /**
   * The agent's keys, in the agent's order; of a bound agent those that may be used for this session. Rejects when no
   * agent is there, or with AgentSilent when the agent does not answer.
   */
  list(signal?: AbortSignal): Promise<AgentKey[]> {
    return this.#list(this.#binding(), signal);
  }

  /** How many keys the agent has that it keeps from this session (ssh-add -h). */
  async countWithheld(signal?: AbortSignal): Promise<number> {
    const [permitted, all] = [await this.list(signal), await this.#list(undefined, signal)];
    return all.filter(({ blob }) => !permitted.some((key) => key.blob.equals(blob))).length;
  }

  /**
   * Resolves with an SSH signature: `string algorithm`, `string bytes`, and more fields for some types. `flags` choose
   * the hash for RSA.
   */
  async sign(blob: Uint8Array, data: Uint8Array, flags: number, signal?: AbortSignal): Promise<Buffer> {
    const choice = Buffer.alloc(4);
    choice.writeUInt32BE(flags);
    const request = Buffer.concat([Buffer.from([signRequest]), writeStrings(blob, data), choice]);
    const answer = await this.#answer(request, this.#binding(), this.#timeouts.signMs, signal);
    const signature = answer[0] === signResponse ? readString(answer, 1) : undefined;
    if (signature === undefined) throw new Error("the agent refused to sign");
    return Buffer.from(signature.bytes);
  }

  async #list(binding: SessionBinding | undefined, signal: AbortSignal | undefined): Promise<AgentKey[]> {
    const answer = await this.#answer(Buffer.from([requestIdentities]), binding, this.#timeouts.listMs, signal);
    if (answer[0] !== identitiesAnswer) throw new Error(`the agent at ${this.label} does not list its keys`);
    return parseIdentities(answer);
  }

  /**
   * One connection for each question, as agents expect from short-lived clients. An agent keeps a binding with the
   * connection, so each connection is bound first.
   */
  async #answer(
    question: Uint8Array,
    binding: SessionBinding | undefined,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Buffer> {
    signal?.throwIfAborted();
    const stop = new AbortController();
    const timer = setTimeout(
      () => stop.abort(new AgentSilent(`the agent at ${this.label} did not answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    try {
      const answers = await this.#conversation(question, binding, either);
      return answers.at(-1) ?? Buffer.alloc(0);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Some agents hang up at a message that they do not know (Windows had one). They are asked once more, unbound. */
  async #conversation(
    question: Uint8Array,
    binding: SessionBinding | undefined,
    signal: AbortSignal,
  ): Promise<readonly Buffer[]> {
    if (binding !== undefined && !this.#hangsUp) {
      try {
        const answers = await this.#ask([sessionBind(binding, false), question], signal);
        this.#isBound = isBoundBy(answers[0] ?? Buffer.alloc(0));
        return answers;
      } catch (error) {
        if (!(error instanceof AgentHungUp) || error.answered > 0) throw error;
        this.#hangsUp = true;
      }
    }
    this.#isBound = false;
    return this.#ask([question], signal);
  }
}

export const rsaSha256Flag = 2;
export const rsaSha512Flag = 4;

const defaultTimeouts: AgentTimeouts = { listMs: 5_000, signMs: 120_000 };

const requestIdentities = 11;
const identitiesAnswer = 12;
const signRequest = 13;
const signResponse = 14;

/** As OpenSSH's MAX_AGENT_IDENTITIES (authfd.c). */
const maxKeys = 2048;

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
