/**
 * What has to stand through every loss of its session: porthop, or ssh in a loop that starts it again as soon as it has
 * ended, as autossh and the loops of service managers do at their fastest.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { atExit } from "../kit/lifetime.ts";
import { killTree } from "../kit/processes.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { Waiting } from "../kit/waiting.ts";

export interface StandingWay {
  readonly login: { readonly host: string; readonly sshArgs: readonly string[] };
  /** Flags that both programs understand. */
  readonly forwards: readonly string[];
  readonly words: readonly string[];
  /** The port of a listener here, by which is seen that it stands. */
  readonly port: number;
}

/** A loop does not spin when ssh cannot connect. */
const pauseMs = 100;

export class Standing implements AsyncDisposable {
  /** How many sessions stood so far, and how many were noticed to be lost. For ssh, how often it was started and ended. */
  stood = 0;
  lost = 0;
  readonly #command: readonly string[];
  readonly #isLoop: boolean;
  readonly #home = tempDirectory("standing");
  readonly #waiting = new Waiting();
  readonly #forget = atExit(() => this.#kill());
  #child: ChildProcess;
  #isOver = false;

  private constructor(command: readonly string[], isLoop: boolean) {
    this.#command = command;
    this.#isLoop = isLoop;
    this.#child = this.#spawn();
  }

  /** `program` is the executable of porthop; undefined for ssh. */
  static async start(program: string | undefined, { login, forwards, words, port }: StandingWay): Promise<Standing> {
    const own =
      program === undefined
        ? ["ssh", "-N", "-o", "ExitOnForwardFailure=yes"]
        : [program, "run", "--json", "--log", "error"];
    const command = [...own, ...forwards, ...words, ...login.sshArgs, login.host];
    const standing = new Standing(command, program === undefined);
    await accepts(port);
    return standing;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  untilStood(count: number, timeoutMs = 120_000): Promise<true> {
    return this.#waiting.until(`session ${count}`, () => this.stood >= count || undefined, timeoutMs);
  }

  untilLost(count: number, timeoutMs = 600_000): Promise<true> {
    return this.#waiting.until(`loss ${count}`, () => this.lost >= count || undefined, timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    const ended = this.#child.exitCode === null && this.#child.signalCode === null ? once(this.#child, "exit") : [];
    this.#kill();
    await ended;
    this.#forget();
  }

  #spawn(): ChildProcess {
    const [file = "", ...words] = this.#command;
    const env = { ...process.env, HOME: this.#home };
    const child = spawn(file, words, { stdio: ["ignore", this.#isLoop ? "ignore" : "pipe", "ignore"], env });
    if (this.#isLoop) this.stood++;
    else this.#follow(child);
    child.on("exit", (code) => this.#ended(code));
    return child;
  }

  /** Lines are events, and only those of sessions are looked at. */
  #follow(child: ChildProcess): void {
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (!line.includes('"event":"session"')) return;
      const { state } = JSON.parse(line) as { state: string };
      if (state === "ready") this.stood++;
      else if (state === "lost") this.lost++;
      else return;
      this.#waiting.change();
    });
  }

  #ended(code: number | null): void {
    if (this.#isOver) return;
    if (!this.#isLoop) {
      this.#waiting.end(() => `porthop ended with ${code}`);
      return;
    }
    this.lost++;
    this.#waiting.change();
    setTimeout(() => {
      if (!this.#isOver) this.#child = this.#spawn();
      this.#waiting.change();
    }, pauseMs);
  }

  #kill(): void {
    if (this.#child.pid !== undefined && this.#child.exitCode === null) killTree(this.#child.pid);
  }
}

async function accepts(port: number): Promise<void> {
  const start = performance.now();
  for (;;) {
    try {
      await using _client = await connectTo(port);
      return;
    } catch (error) {
      if (performance.now() - start > 20_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
