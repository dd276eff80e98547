/**
 * Login by public key, in the order of ssh's pubkey_prepare (sshconnect2.c): keys of the agent that are named by files,
 * the agent's others, then files. Each key is offered once: servers count refusals (MaxAuthTries).
 */
import type { AnyAuthMethod } from "ssh2";
import { keyTypeName } from "../codec/fingerprint.ts";
import { readString } from "../codec/ssh-string.ts";
import { visible } from "../codec/terminal-text.ts";
import { type Agent, type AgentKey, rsaSha256Flag, rsaSha512Flag } from "./agent.ts";
import type { AuthContext, AuthMethod } from "./auth-method.ts";
import type { Attempt, Obstacle } from "./auth-record.ts";
import type { Identities } from "./identity.ts";
import { type KeyFile, KeyUnusable } from "./key-file.ts";
import { offerKey, type Signer } from "./key-offer.ts";

export interface KeySources {
  readonly identities: Identities;
  readonly agent: Agent | undefined;
  /** IdentitiesOnly: of the agent's keys only those named by files. */
  readonly identitiesOnly: boolean;
}

interface Candidate {
  readonly label: string;
  readonly fromAgent: boolean;
  /** Undefined where the file has to be opened to know it. */
  readonly publicBlob: Buffer | undefined;
  readonly file?: KeyFile;
  readonly sign: Signer;
}

export class PublicKeyMethod implements AuthMethod {
  readonly #context: AuthContext;
  readonly #sources: KeySources;
  readonly #offered = new Set<string>();
  #candidates: Candidate[] | undefined;

  constructor(context: AuthContext, sources: KeySources) {
    this.#context = context;
    this.#sources = sources;
  }

  async next(): Promise<AnyAuthMethod | undefined> {
    this.#candidates ??= await this.#gather();
    for (let candidate = this.#candidates.shift(); candidate !== undefined; candidate = this.#candidates.shift()) {
      const attempt = await this.#offer(candidate);
      if (attempt !== undefined) return attempt;
    }
    return undefined;
  }

  async #gather(): Promise<Candidate[]> {
    const { identities, identitiesOnly } = this.#sources;
    for (const { reason, hint } of identities.unusable) this.#obstacle(reason, hint);
    const agentKeys = await this.#agentKeys();
    const isNamed = ({ blob }: AgentKey) => identities.publicBlobs.some((named) => named.equals(blob));
    const inAgent = (file: KeyFile) => agentKeys.some(({ blob }) => file.publicBlob?.equals(blob) === true);
    const files = identities.files.filter((file) => !inAgent(file));
    for (const { label } of files.filter(({ isPublic }) => isPublic)) {
      this.#obstacle("format", `${label} is only the public half of a key, and no agent has the other one`);
    }
    return [
      ...agentKeys.filter(isNamed).map((key) => this.#agentCandidate(key)),
      ...(identitiesOnly ? [] : agentKeys.filter((key) => !isNamed(key)).map((key) => this.#agentCandidate(key))),
      ...files.filter(({ isPublic }) => !isPublic).map((file) => this.#fileCandidate(file)),
    ];
  }

  /** An agent that is gone or hangs is no reason not to go on without it. */
  async #agentKeys(): Promise<AgentKey[]> {
    const { agent } = this.#sources;
    if (agent === undefined) return [];
    try {
      return await agent.list(this.#context.signal);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#context.log.debug(`going on without ssh-agent: ${text}`);
      this.#obstacle("agent", `ssh-agent was of no help: ${text}`);
      return [];
    }
  }

  async #offer(candidate: Candidate): Promise<AnyAuthMethod | undefined> {
    const { ssh2, record, log } = this.#context;
    const blob = candidate.publicBlob ?? (await this.#openEarly(candidate));
    if (blob === undefined || this.#offered.has(blob.toString("base64"))) return undefined;
    this.#offered.add(blob.toString("base64"));
    const parsed = ssh2.utils.parseKey(blob);
    if (parsed instanceof Error) {
      log.debug(`cannot offer the key ${candidate.label}: ${visible(parsed.message, 120)}`);
      this.#obstacle("unsupported", `the key ${candidate.label} is of a kind that porthop cannot use`);
      return undefined;
    }
    const { label, fromAgent } = candidate;
    const attempt: Attempt = { method: "publickey", key: { label, fromAgent }, answer: undefined };
    record.attempts.push(attempt);
    log.debug(`offering the public key ${label}${fromAgent ? " of the agent" : ""}`);
    const sign: Parameters<typeof offerKey>[2] = (data, hash) => this.#sign(candidate, attempt, data, hash);
    const agent = offerKey(ssh2, parsed, sign, this.#context.giveUp);
    return { type: "agent", username: record.user, agent };
  }

  /** A locked file without a public part beside it: only opening it tells which key it is. */
  async #openEarly(candidate: Candidate): Promise<Buffer | undefined> {
    try {
      return (await candidate.file?.open(this.#opening()))?.blob;
    } catch (error) {
      if (!(error instanceof KeyUnusable)) throw error;
      this.#unusable(error);
      return undefined;
    }
  }

  /** The server would take this key. Undefined when it cannot be used after all, and the next attempt was started. */
  async #sign(
    candidate: Candidate,
    attempt: Attempt,
    data: Buffer,
    hash: string | undefined,
  ): Promise<Buffer | undefined> {
    try {
      return await candidate.sign(data, hash);
    } catch (error) {
      attempt.answer = "unsigned";
      if (error instanceof KeyUnusable) this.#unusable(error);
      else if (candidate.fromAgent && error instanceof Error) {
        this.#context.log.warn(`cannot sign with the agent's key ${candidate.label}: ${error.message}`);
        this.#obstacle("signing", `the server would take the agent's key ${candidate.label}, but ${error.message}`);
      } else {
        this.#context.giveUp(error);
        return undefined;
      }
      this.#context.advance();
      return undefined;
    }
  }

  #unusable(error: KeyUnusable): void {
    this.#context.log.warn(error.message);
    const kinds = { passphrase: "passphrase", nobody: "locked", format: "format" } as const;
    const advice = error.reason === "nobody" ? ": add the key to ssh-agent with ssh-add" : "";
    this.#obstacle(kinds[error.reason], `${error.message}${advice}`);
  }

  #agentCandidate(key: AgentKey): Candidate {
    const label = visible(key.comment, 80) || `${keyTypeName(key.type)} key`;
    const sign: Signer = async (data, hash) => {
      const flags = hash === "sha256" ? rsaSha256Flag : hash === "sha512" ? rsaSha512Flag : 0;
      const signature = await this.#sources.agent?.sign(key.blob, data, flags, this.#context.signal);
      return bareSignature(signature ?? Buffer.alloc(0), key.type, hash);
    };
    return { label, fromAgent: true, publicBlob: key.blob, sign };
  }

  #fileCandidate(file: KeyFile): Candidate {
    const sign: Signer = async (data, hash) => (await file.open(this.#opening())).sign(data, hash);
    return { label: file.label, fromAgent: false, publicBlob: file.publicBlob, file, sign };
  }

  #opening() {
    const { ssh2, prompter, prompts, signal } = this.#context;
    return { ssh2, prompter, prompts, signal };
  }

  #obstacle(kind: Obstacle["kind"], hint: string): void {
    this.#context.record.obstacles.push({ kind, hint });
  }
}

/** Takes the algorithm's name off. An old agent that ignores the flags would sign with SHA-1, which the server refuses. */
function bareSignature(signature: Buffer, type: string, hash: string | undefined): Buffer {
  const algorithm = readString(signature, 0);
  const bytes = readString(signature, algorithm?.next ?? -1)?.bytes;
  const name = algorithm?.bytes.toString("latin1");
  const wanted = type !== "ssh-rsa" || hash === "sha1" ? type : hash === "sha512" ? "rsa-sha2-512" : "rsa-sha2-256";
  if (bytes === undefined || name !== wanted) throw new Error(`the agent cannot sign with ${wanted}`);
  return bytes;
}
