/**
 * ssh or porthop with one forward to one server. A program that has ended is started
 * again, and counts as a lost session.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../kit/servers.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { memoryOf } from "./measure.ts";

export type RivalName = "ssh" | "porthop";

export interface Login {
  readonly host: string;
  readonly sshArgs: readonly string[];
}

export interface Way {
  readonly flag: "-L" | "-R";
  readonly target: { readonly host: string; readonly port: number };
  /** Further words that both programs understand. */
  readonly words?: readonly string[];
}

export class Rival implements AsyncDisposable {
  /** The port for clients, here or at the server, which is this machine too. */
  readonly port: number;
  lost = 0;
  readonly #command: readonly string[];
  readonly #home = tempDirectory("rival");
  #child: ChildProcess;

  private constructor(port: number, command: readonly string[]) {
    this.port = port;
    this.#command = command;
    this.#child = this.#spawn();
  }

  /** `program` is the executable of porthop. Resolves when the forward takes connections. */
  static async start(name: RivalName, program: string, login: Login, way: Way): Promise<Rival> {
    const port = await freePort();
    const own = name === "ssh" ? ["ssh", "-N", "-o", "ExitOnForwardFailure=yes"] : [program, "run", "--log", "error"];
    const { flag, target, words = [] } = way;
    const forward = `127.0.0.1:${port}:${target.host}:${target.port}`;
    const rival = new Rival(port, [...own, flag, forward, ...words, ...login.sshArgs, login.host]);
    await rival.#accepts();
    return rival;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Resident memory in bytes; NaN once the program has ended. */
  get resident(): number {
    try {
      return this.alive ? memoryOf(this.#child.pid ?? 0).now * 1024 : Number.NaN;
    } catch {
      return Number.NaN;
    }
  }

  /** Counts a lost session and starts the program again, if the program has ended. */
  async startAgain(): Promise<void> {
    if (this.alive) return;
    this.lost++;
    this.#child = this.#spawn();
    await this.#accepts();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.alive) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  #spawn(): ChildProcess {
    const [file = "", ...words] = this.#command;
    // The program's output is thrown away, because the messages about clients are not what is measured.
    return spawn(file, words, { stdio: "ignore", env: { ...process.env, HOME: this.#home } });
  }

  async #accepts(): Promise<void> {
    for (;;) {
      if (!this.alive) throw new Error(`${this.#command.join(" ")} ended with ${this.exitCode}`);
      try {
        await using _client = await connectTo(this.port);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}
