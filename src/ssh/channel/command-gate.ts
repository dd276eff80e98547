/**
 * The one gate to the server's shell: whether a command that nobody asked for may run there (cli.md, "One gate decides").
 * A key may have a forced command, of a deploy or a backup, and that is what would run in place of ours: where sshd
 * announces one the gate stays shut.
 */
import type { ClientChannel } from "ssh2";
import type { Ports } from "../ssh2/ports.ts";
import { outputOf, patienceMs, startCommand } from "./server-shell.ts";

/** `authorized_keys:1: key options: command port-forwarding` (OpenSSH auth.c, auth_log_authopts). */
const forcedCommand = /: key options:.*\bcommand\b/;

type GatePorts = Pick<Ports, "client" | "onDebug" | "ping">;

export class CommandGate {
  readonly #ports: GatePorts;
  readonly #mayAsk: boolean;
  #hasForcedCommand = false;
  #isOpen: Promise<boolean> | undefined;

  /**
   * Make it right after `client.connect`, for the announcement comes with the login's success. `mayAsk`: somebody asked for
   * what only a command can tell (--capture, check, --ask-server).
   */
  constructor(ports: GatePorts, mayAsk: boolean) {
    this.#ports = ports;
    this.#mayAsk = mayAsk;
    if (!mayAsk) return;
    ports.onDebug((text) => {
      // A longer one is none of sshd's, and would cost a while to look through.
      if (text.length <= 1024 && forcedCommand.test(text)) this.#hasForcedCommand = true;
    });
  }

  /** A command that answers for as long as the session lives; undefined when the gate is shut or it does not start. */
  async start(command: string, timeoutMs = patienceMs): Promise<ClientChannel | undefined> {
    return (await this.#open(timeoutMs)) ? startCommand(this.#ports.client, command, timeoutMs) : undefined;
  }

  /** What a command prints that ends soon; undefined when the gate is shut or there is no such end. */
  async output(command: string, timeoutMs = patienceMs): Promise<string | undefined> {
    return (await this.#open(timeoutMs)) ? outputOf(this.#ports.client, command, timeoutMs) : undefined;
  }

  #open(timeoutMs: number): Promise<boolean> {
    if (!this.#mayAsk) return Promise.resolve(false);
    this.#isOpen ??= this.#listen(timeoutMs);
    return this.#isOpen;
  }

  /** sshd announces before it answers anything: after one round trip all of that is heard. */
  async #listen(timeoutMs: number): Promise<boolean> {
    return (await roundTrip(this.#ports, timeoutMs)) && !this.#hasForcedCommand;
  }
}

/** False when no answer comes in time. */
function roundTrip(ports: GatePorts, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    const settle = (isAnswered: boolean) => {
      clearTimeout(timer);
      resolve(isAnswered);
    };
    // That the session is gone is reported elsewhere.
    ports.ping().then(
      () => settle(true),
      () => settle(false),
    );
  });
}
