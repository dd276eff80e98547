/**
 * The one gate to the server's shell: whether a command that nobody asked for may run there (cli.md, "One gate decides").
 * A key may have a forced command, of a deploy or a backup, and that is what would run in place of ours: where sshd
 * announces one the gate stays shut.
 */
import type { Client, ClientChannel } from "ssh2";
import { hearServerDebug } from "./server-debug.ts";
import { outputOf, patienceMs, startCommand } from "./server-shell.ts";

/** `authorized_keys:1: key options: command port-forwarding` (OpenSSH auth.c, auth_log_authopts). */
const forcedCommand = /: key options:.*\bcommand\b/;

export class CommandGate {
  readonly #client: Client;
  readonly #mayAsk: boolean;
  #hasForcedCommand = false;
  #isOpen: Promise<boolean> | undefined;

  /**
   * Make it right after `client.connect`, for the announcement comes with the login's success. `mayAsk`: somebody asked for
   * what only a command can tell (--capture, check, --ask-server).
   */
  constructor(client: Client, mayAsk: boolean) {
    this.#client = client;
    this.#mayAsk = mayAsk;
    if (!mayAsk) return;
    hearServerDebug(client, (text) => {
      // A longer one is none of sshd's, and would cost a while to look through.
      if (text.length <= 1024 && forcedCommand.test(text)) this.#hasForcedCommand = true;
    });
  }

  /** A command that answers for as long as the session lives; undefined when the gate is shut or it does not start. */
  async start(command: string, timeoutMs = patienceMs): Promise<ClientChannel | undefined> {
    return (await this.#open(timeoutMs)) ? startCommand(this.#client, command, timeoutMs) : undefined;
  }

  /** What a command prints that ends soon; undefined when the gate is shut or there is no such end. */
  async output(command: string, timeoutMs = patienceMs): Promise<string | undefined> {
    return (await this.#open(timeoutMs)) ? outputOf(this.#client, command, timeoutMs) : undefined;
  }

  #open(timeoutMs: number): Promise<boolean> {
    if (!this.#mayAsk) return Promise.resolve(false);
    this.#isOpen ??= this.#listen(timeoutMs);
    return this.#isOpen;
  }

  /** sshd announces before it answers anything: after one round trip all of that is heard. */
  async #listen(timeoutMs: number): Promise<boolean> {
    return (await roundTrip(this.#client, timeoutMs)) && !this.#hasForcedCommand;
  }
}

/** False when no answer comes in time, or the client looks different. */
function roundTrip(client: Client, timeoutMs: number): Promise<boolean> {
  const { _protocol: protocol, _callbacks: callbacks } = client as unknown as Partial<ClientInternals>;
  if (protocol === undefined || callbacks === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    // Answers to global requests have no number, and come in the order of the questions (RFC 4254, section 4).
    callbacks.push(() => {
      clearTimeout(timer);
      resolve(true);
    });
    try {
      protocol.ping();
    } catch {
      // ssh2 throws when the session is gone already, which is reported elsewhere.
      clearTimeout(timer);
      resolve(false);
    }
  });
}

/** What ssh2's types do not show (ssh2 1.17.0, lib/client.js and lib/protocol/Protocol.js). */
interface ClientInternals {
  readonly _protocol: { ping(): void };
  readonly _callbacks: (() => void)[];
}
