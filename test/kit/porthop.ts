/**
 * Runs porthop as users do, as a separate program, and waits for its events, its lines and its exit code. The
 * environment is clean and the home is empty. No process that porthop starts outlives the test.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { Writable } from "node:stream";
import { type Launch, type LaunchOptions, launch } from "./launch.ts";
import { atExit } from "./lifetime.ts";
import { gone, killTree, send, withEnvironment } from "./processes.ts";
import { removeTemp } from "./temp.ts";
import { type Look, Transcript } from "./transcript.ts";
import { Waiting } from "./waiting.ts";

export interface PorthopOptions extends LaunchOptions {
  /** `pipe` to write to `stdin` in the test, or the whole input. Undefined for no input (/dev/null). */
  readonly stdin?: "pipe" | { readonly text: string | Uint8Array };
}

/** One line of `--json`. Fields without a name here are read as `event["name"]`. */
export interface PorthopEvent {
  readonly event: string;
  readonly time: string;
  readonly state?: string;
  readonly forward?: string;
  readonly flow?: string;
  readonly reason?: string;
  readonly up?: number;
  readonly down?: number;
  readonly code?: string | number;
  readonly message?: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  /** null when a signal ended the program. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
}

/** Use it as `await using p = porthop(["run", ...])`. porthop ends with the test. */
export function porthop(args: readonly string[], options: PorthopOptions = {}): Porthop {
  return new Porthop(launch(args, options), options);
}

export class Porthop implements AsyncDisposable {
  readonly pid: number;
  /** The HOME of this porthop. */
  readonly home: string;
  /** All events so far. */
  readonly events: PorthopEvent[] = [];
  /** Resolves when porthop has ended and its output is complete. */
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #launch: Launch;
  readonly #stdout: Uint8Array[] = [];
  readonly #outText = new Transcript("stdout");
  readonly #errText = new Transcript("stderr");
  readonly #waiting = new Waiting();
  readonly #mark = `PORTHOP_TEST_MARK=${randomUUID()}`;
  readonly #forget: () => void;
  #line = "";

  constructor(launched: Launch, options: PorthopOptions) {
    const [command = "", ...args] = launched.command;
    const [markName = "", mark = ""] = this.#mark.split("=");
    this.#launch = launched;
    this.home = launched.home;
    this.#child = spawn(command, args, {
      cwd: launched.cwd,
      env: { ...launched.env, [markName]: mark },
      stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      // In a process session of its own, without the tester's terminal, on which porthop would ask.
      detached: true,
    });
    this.#forget = atExit(() => {
      this.#killAll();
    });
    this.exit = this.#collect(this.#child);
    if (this.#child.pid === undefined) throw new Error(`cannot run ${command}`);
    this.pid = this.#child.pid;
    // porthop may end without reading all its input, and that is no failure of the test.
    this.#child.stdin?.on("error", () => {});
    if (typeof options.stdin === "object") this.#child.stdin?.end(options.stdin.text);
  }

  get stdin(): Writable {
    if (this.#child.stdin === null) throw new Error('stdin is closed: run it with { stdin: "pipe" }');
    return this.#child.stdin;
  }

  get stdoutText(): string {
    return this.#outText.text;
  }

  get stderrText(): string {
    return this.#errText.text;
  }

  /** The first event with this name for which `where` is true, past or future. `after` skips this many events. */
  async event(
    name: string,
    where: (event: PorthopEvent) => boolean = () => true,
    look: Look = {},
  ): Promise<PorthopEvent> {
    const find = () => this.events.slice(look.after ?? 0).find((event) => event.event === name && where(event));
    try {
      return await this.#waiting.until(`the event "${name}"`, find, look.timeoutMs);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${reason}; events: ${JSON.stringify(this.events)}; stderr was:\n${this.stderrText}`);
    }
  }

  /** Like `event`, but only for events that come from now on. */
  nextEvent(name: string, where?: (event: PorthopEvent) => boolean): Promise<PorthopEvent> {
    return this.event(name, where, { after: this.events.length });
  }

  /** Waits for text on stderr. */
  stderr(pattern: RegExp, look?: Look): Promise<RegExpMatchArray> {
    return this.#errText.until(pattern, look);
  }

  /** Waits for text on stdout. */
  stdout(pattern: RegExp, look?: Look): Promise<RegExpMatchArray> {
    return this.#outText.until(pattern, look);
  }

  signal(name: NodeJS.Signals): void {
    send([this.pid], name);
  }

  /** Kills porthop and all processes that it started, also those in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    const killed = this.#killAll();
    await this.exit;
    await gone(killed);
    this.#forget();
    if (this.#launch.ownsHome) removeTemp(this.home);
  }

  #killAll(): number[] {
    const running = this.#child.exitCode === null && this.#child.signalCode === null;
    const killed = running && this.#child.pid !== undefined ? killTree(this.#child.pid) : [];
    const background = withEnvironment(this.#mark);
    send(background, "SIGKILL");
    return [...killed, ...background];
  }

  #collect(child: ChildProcess): Promise<Exit> {
    child.stdout?.on("data", (chunk: Uint8Array) => this.#take(chunk));
    child.stderr?.setEncoding("utf8");
    child.stderr?.on("data", (text: string) => this.#errText.add(text));
    return new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null, how: string) => {
        this.#outText.end(how);
        this.#errText.end(how);
        this.#waiting.end(() => how);
        const stdoutBytes = Buffer.concat(this.#stdout);
        const stdout = stdoutBytes.toString("utf8");
        resolve({ code, signal, stdout, stderr: this.stderrText, stdoutBytes });
      };
      child.on("error", (error) => end(null, null, `it could not be run: ${error.message}`));
      child.on("close", (code, signal) => end(code, signal, `porthop ended with ${signal ?? `code ${code}`}`));
      // A background process that keeps our pipes open would delay "close" for its whole life.
      child.on("exit", () => {
        const timer = setTimeout(() => {
          child.stdout?.destroy();
          child.stderr?.destroy();
        }, 2000);
        child.on("close", () => clearTimeout(timer));
      });
    });
  }

  /** An event is a line with a JSON object that has `event`. A capture on stdout has no meaning here. */
  #take(chunk: Uint8Array): void {
    this.#stdout.push(chunk);
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1");
    const lines = text.split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#addEvent(this.#line + line);
      this.#line = "";
    }
    this.#line += rest;
    this.#outText.add(text);
    if (lines.length > 0) this.#waiting.change();
  }

  #addEvent(line: string): void {
    if (!line.startsWith("{")) return;
    try {
      const event: unknown = JSON.parse(Buffer.from(line, "latin1").toString("utf8"));
      if (typeof event === "object" && event !== null && "event" in event) this.events.push(event as PorthopEvent);
    } catch {
      // The line is no event.
    }
  }
}
