/**
 * The one gate to the server's shell. The gate decides whether porthop may run a command there that the user did not
 * ask for. A key may have a forced command, such as a deploy or a backup; the server would
 * run the forced command in place of ours. When sshd announces a forced command, the gate stays shut.
 */
import type { ClientChannel } from "ssh2";
import type { Ports } from "../ssh2/ports.ts";
import { outputOf, patienceMs, startCommand } from "./server-shell.ts";

/** Fits sshd's `authorized_keys:1: key options: command port-forwarding` (OpenSSH auth.c, auth_log_authopts). */
const forcedCommand = /: key options:.*\bcommand\b/;

type GatePorts = Pick<Ports, "client" | "onDebug" | "ping">;

export class CommandGate {
  readonly #ports: GatePorts;
  readonly #mayAsk: boolean;
  #hasForcedCommand = false;
  #isOpen: Promise<boolean> | undefined;

  /**
   * Make the gate right after `client.connect`, because sshd announces a forced command together with the login's
   * success. `mayAsk` is true when the user asked for something that only a command on the server can tell (--capture,
   * check, --ask-server).
   */
  constructor(ports: GatePorts, mayAsk: boolean) {
    this.#ports = ports;
    this.#mayAsk = mayAsk;
    if (!mayAsk) return;
    ports.onDebug((text) => {
      // sshd's own messages are shorter. Looking through a very long text of a hostile server would take time.
      if (text.length <= 1024 && forcedCommand.test(text)) this.#hasForcedCommand = true;
    });
  }

  /**
   * Starts a command that answers for as long as the session lives. Undefined when the gate is shut or the command does
   * not start.
   */
  async start(command: string, timeoutMs = patienceMs): Promise<ClientChannel | undefined> {
    return (await this.#open(timeoutMs)) ? startCommand(this.#ports.client, command, timeoutMs) : undefined;
  }

  /** The output of a command that ends soon. Undefined when the gate is shut or the command does not end in time. */
  async output(command: string, timeoutMs = patienceMs): Promise<string | undefined> {
    return (await this.#open(timeoutMs)) ? outputOf(this.#ports.client, command, timeoutMs) : undefined;
  }

  #open(timeoutMs: number): Promise<boolean> {
    if (!this.#mayAsk) return Promise.resolve(false);
    this.#isOpen ??= this.#listen(timeoutMs);
    return this.#isOpen;
  }

  /**
   * sshd sends its announcements before the answer to a ping. So after one round trip all announcements have arrived.
   */
  async #listen(timeoutMs: number): Promise<boolean> {
    return (await roundTrip(this.#ports, timeoutMs)) && !this.#hasForcedCommand;
  }
}

/** False when no answer comes in time, or when the session is lost. */
function roundTrip(ports: GatePorts, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    const settle = (isAnswered: boolean) => {
      clearTimeout(timer);
      resolve(isAnswered);
    };
    // The loss of the session is reported elsewhere.
    ports.ping().then(
      () => settle(true),
      () => settle(false),
    );
  });
}
