/**
 * Login by public key. Each key is offered once, in ssh's order, because servers count refusals (MaxAuthTries). A key
 * signs only when the server accepts it. When an accepted key cannot sign, the next key is offered. When the server has
 * accepted one step of several, all keys may be offered again, those that had no turn yet first.
 */
import type { AnyAuthMethod } from "ssh2";
import { keyType } from "../../codec/keys/fingerprint.ts";
import { rsaBits } from "../../codec/keys/rsa-size.ts";
import { messageOf } from "../../text/error-message.ts";
import { visible } from "../../text/terminal-text.ts";
import { foreignKey } from "../ssh2/foreign-key.ts";
import { acceptedAlgorithm, rsaAlgorithm } from "./accepted-algorithms.ts";
import { type Agent, type AgentKey, AgentSilent } from "./agent.ts";
import type { AuthContext, AuthMethod } from "./auth-method.ts";
import { type Attempt, noteNeed, type Obstacle } from "./auth-record.ts";
import { foreignAlgorithm, isOfSecurityKey, type KeyAlgorithm, wasTouched } from "./foreign-algorithm.ts";
import type { Identities } from "./identity.ts";
import { type Candidate, gatherCandidates } from "./key-candidate.ts";
import { KeyFile, KeyUnusable } from "./key-file.ts";
import { offerKey } from "./key-offer.ts";
import { refusalHint, type UserCertificate } from "./user-certificate.ts";

export interface KeySources {
  readonly identities: Identities;
  readonly agent: Agent | undefined;
  /** IdentitiesOnly: an agent's key is offered only when a file names it. */
  readonly identitiesOnly: boolean;
  /** PubkeyAcceptedAlgorithms, best first. Undefined for all. */
  readonly accepted?: readonly string[] | undefined;
  /** RequiredRSASize, in bits. Undefined for no limit. */
  readonly requiredRsaBits?: number | undefined;
  /** AddKeysToAgent. porthop does not add keys to an agent, and tells a user who has typed a passphrase. */
  readonly addsToAgent?: boolean | undefined;
}

export class PublicKeyMethod implements AuthMethod {
  readonly #context: AuthContext;
  readonly #sources: KeySources;
  /** Since the last step that the server accepted. */
  readonly #offered = new Set<string>();
  readonly #useless = new Set<Candidate>();
  /** In the order in which they have their next turn. */
  #candidates: Candidate[] | undefined;
  /** How many of these have had no turn since the last step that the server accepted. */
  #left = 0;
  #steps = 0;
  #isOver = false;

  constructor(context: AuthContext, sources: KeySources) {
    this.#context = context;
    this.#sources = sources;
  }

  async next(): Promise<AnyAuthMethod | undefined> {
    if (this.#isOver) return undefined;
    if (this.#candidates === undefined) {
      this.#candidates = await this.#gather();
      this.#left = this.#candidates.length;
    }
    while (this.#left > 0) {
      this.#left--;
      const candidate = this.#candidates.shift();
      if (candidate === undefined) break;
      if (this.#useless.has(candidate)) continue;
      this.#candidates.push(candidate);
      const attempt = await this.#offer(candidate);
      if (attempt !== undefined) return attempt;
      this.#useless.add(candidate);
    }
    this.#isOver = true;
    await this.#noteWithheld();
    return undefined;
  }

  /**
   * The server has accepted a step and wants more. As with ssh (sshconnect2.c, pubkey_reset) all keys may be offered
   * again: a server may take the same key twice. A method without a key left does not come back.
   */
  stepAccepted(): void {
    if (++this.#steps > mostSteps) return;
    this.#offered.clear();
    this.#left = this.#candidates?.length ?? 0;
  }

  async #gather(): Promise<Candidate[]> {
    const { identities, agent, identitiesOnly } = this.#sources;
    for (const { reason, hint } of identities.unusable) this.#obstacle(reason, hint);
    const { inOrder, halves } = gatherCandidates({
      ...{ identities, agent, identitiesOnly },
      agentKeys: await this.#agentKeys(),
      opening: () => this.#opening(),
      signal: this.#context.signal,
    });
    for (const half of halves) {
      if (!(half instanceof KeyFile && half.isOptional)) this.#obstacle("format", halfText(half));
    }
    return inOrder;
  }

  /** Without an agent, or with an agent that hangs, the login goes on with the key files. */
  async #agentKeys(): Promise<AgentKey[]> {
    const { agent } = this.#sources;
    if (agent === undefined) return [];
    try {
      const keys = await agent.list(this.#context.signal);
      this.#context.log.debug(`the agent ${agent.isBound ? "is bound to this session" : "binds no sessions"}`);
      return keys;
    } catch (error) {
      const text = messageOf(error);
      // As with ssh, a missing agent is normal. An agent that hangs has made the user wait, so the user is told.
      const tell = error instanceof AgentSilent ? "warn" : "debug";
      this.#context.log[tell](`going on without ssh-agent: ${text}`);
      this.#obstacle("agent", `ssh-agent was of no help: ${text}`);
      return [];
    }
  }

  /** Without this, a key that the agent keeps from this host looks like a key that is not there. */
  async #noteWithheld(): Promise<void> {
    const { agent } = this.#sources;
    if (agent?.isBound !== true) return;
    const count = await agent.countWithheld(this.#context.signal).catch(() => 0);
    if (count === 0) return;
    const keys = count === 1 ? "1 key" : `${count} keys`;
    this.#obstacle("withheld", `ssh-agent has ${keys} that may not be used on this way: see ssh-add -h`);
  }

  async #offer(candidate: Candidate): Promise<AnyAuthMethod | undefined> {
    const { ssh2, record, log } = this.#context;
    const blob = candidate.publicBlob ?? (await this.#openEarly(candidate));
    if (blob === undefined || this.#offered.has(blob.toString("base64"))) return undefined;
    this.#offered.add(blob.toString("base64"));
    if (this.#isShort(candidate, blob)) return undefined;
    const type = keyType(blob) ?? "";
    const accepted = this.#acceptedFor(type);
    if (accepted === undefined) {
      log.debug(`not offering ${candidate.label}: PubkeyAcceptedAlgorithms leaves it out`);
      this.#obstacle("disabled", `the key ${candidate.label} is of a kind that PubkeyAcceptedAlgorithms leaves out`);
      return undefined;
    }
    const algorithm = rsaAlgorithm(accepted) ?? foreignAlgorithm(type, this.#context.signatureAlgorithms());
    const known = algorithm === undefined ? ssh2.utils.parseKey(blob) : foreignKey(ssh2, blob, algorithm.offered);
    if (known === undefined || known instanceof Error) {
      log.debug(`cannot offer the key ${candidate.label}: ${visible(known?.message ?? "ssh2 has no Ed25519", 120)}`);
      this.#obstacle("unsupported", `the key ${candidate.label} is of a kind that porthop cannot use`);
      return undefined;
    }
    const attempt = this.#attempt(candidate);
    record.attempts.push(attempt);
    log.debug(`offering the public key ${candidate.label}${candidate.fromAgent ? " of the agent" : ""}`);
    const sign: Parameters<typeof offerKey>[2] = (data, hash) => this.#sign(candidate, attempt, data, hash, algorithm);
    const agent = offerKey(ssh2, known, sign, this.#context.giveUp);
    return { type: "agent", username: record.user, agent };
  }

  #isShort({ label, certificate }: Candidate, blob: Buffer): boolean {
    const bits = rsaBits(certificate?.key ?? blob);
    const required = this.#sources.requiredRsaBits;
    if (bits === undefined || required === undefined || bits >= required) return false;
    this.#context.log.debug(`not offering ${label}: it has ${bits} bits, and RequiredRSASize asks for ${required}`);
    this.#obstacle("disabled", `the key ${label} has ${bits} bits, and RequiredRSASize asks for ${required}`);
    return true;
  }

  /** The algorithm to offer a key of this type with. "" without a list, undefined when the list allows none. */
  #acceptedFor(type: string): string | undefined {
    const { accepted } = this.#sources;
    return accepted === undefined ? "" : acceptedAlgorithm(type, accepted, this.#context.signatureAlgorithms());
  }

  #attempt({ label, fromAgent, certificate }: Candidate): Attempt {
    const remark =
      certificate === undefined ? undefined : refusalHint(label, certificate, this.#context.record.user, Date.now());
    return { method: "publickey", key: { label, fromAgent, remark }, answer: undefined };
  }

  /** For a locked file without a `.pub` file: only the opened file shows which key it has. */
  async #openEarly(candidate: Candidate): Promise<Buffer | undefined> {
    try {
      return (await candidate.file?.open(this.#opening()))?.blob;
    } catch (error) {
      if (!(error instanceof KeyUnusable)) throw error;
      this.#unusable(error);
      return undefined;
    }
  }

  /**
   * Called when the server accepts the key. Undefined when the key cannot sign; the next attempt has then been started.
   */
  async #sign(
    candidate: Candidate,
    attempt: Attempt,
    data: Buffer,
    hash: string | undefined,
    algorithm: KeyAlgorithm | undefined,
  ): Promise<Buffer | undefined> {
    try {
      const wasOpen = candidate.file?.isOpen === true;
      if (isOfSecurityKey(algorithm)) this.#askForTouch(candidate);
      const signed = await (algorithm === undefined
        ? candidate.sign(data, hash)
        : candidate.signWhole(data, algorithm));
      if (isOfSecurityKey(algorithm) && wasTouched(signed)) noteNeed(this.#context.record, "touch");
      if (!wasOpen) this.#tellOfAgent(candidate);
      return signed;
    } catch (error) {
      attempt.answer = "unsigned";
      this.#useless.add(candidate);
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

  /** Each time, as with ssh (sshconnect2.c, notify_start): a login that waits for a touch looks like one that hangs. */
  #askForTouch({ label }: Candidate): void {
    const { log, account } = this.#context;
    log.info(`the login of ${account} waits for the security key ${label}: touch it if it blinks`);
  }

  #tellOfAgent({ file, label }: Candidate): void {
    if (this.#sources.addsToAgent !== true || this.#sources.agent === undefined || file?.isLocked !== true) return;
    this.#context.log.warn(`AddKeysToAgent: porthop adds no keys to the agent; ssh-add ${label} does`);
  }

  #unusable(error: KeyUnusable): void {
    if (error.reason === "passphrase") noteNeed(this.#context.record, "person");
    this.#context.log.warn(error.message);
    const kinds = { passphrase: "passphrase", nobody: "locked", format: "format" } as const;
    const advice = error.reason === "nobody" ? ": add the key to ssh-agent with ssh-add" : "";
    this.#obstacle(kinds[error.reason], `${error.message}${advice}`);
  }

  #opening() {
    const { ssh2, prompter, prompts, signal } = this.#context;
    return { ssh2, prompter, prompts, signal };
  }

  #obstacle(kind: Obstacle["kind"], hint: string): void {
    this.#context.record.obstacles.push({ kind, hint });
  }
}

/** A server that wants more steps than this never comes to an end. */
const mostSteps = 20;

function halfText(half: KeyFile | UserCertificate): string {
  const { label } = half;
  if (!(half instanceof KeyFile)) return `there is no private key for the certificate ${label}: name it with -i`;
  if (half.isSecurityKey)
    return `${label} is of a security key, which porthop uses through ssh-agent only: ssh-add ${label}`;
  return `${label} is only the public half of a key, and no agent has the other one`;
}
