/**
 * Runs porthop as its users do, as a program of its own, and waits for what it says: events, lines, its exit code.
 * Its environment is clean and its home empty; nothing that it starts outlives the test.
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
  /** `pipe` to write to `stdin` in the test, or all that it gets to read. Nothing (/dev/null) by default. */
  readonly stdin?: "pipe" | { readonly text: string | Uint8Array };
}

/** One line of `--json`. Fields that are not named here are reached as `event["name"]`. */
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
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
}

/** `await using p = porthop(["run", ...])` ends it with the test. */
export function porthop(args: readonly string[], options: PorthopOptions = {}): Porthop {
  return new Porthop(launch(args, options), options);
}

export class Porthop implements AsyncDisposable {
  readonly pid: number;
  /** Its HOME. */
  readonly home: string;
  /** All events so far. */
  readonly events: PorthopEvent[] = [];
  /** Resolves when it has ended and its output is complete. */
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
    });
    this.#forget = atExit(() => {
      this.#killAll();
    });
    this.exit = this.#collect(this.#child);
    if (this.#child.pid === undefined) throw new Error(`cannot run ${command}`);
    this.pid = this.#child.pid;
    // It may end without reading all its input, which is no error of the test's.
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

  /** The first event of this name, be it past or to come, that `where` says yes to. `after` skips that many events. */
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

  /** The same, but only events that come from now on. */
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

  /** Kills it and all that it started, also what went into the background. */
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
      // A background process that keeps our pipes open would hold back "close" as long as it lives.
      child.on("exit", () => {
        const timer = setTimeout(() => {
          child.stdout?.destroy();
          child.stderr?.destroy();
        }, 2000);
        child.on("close", () => clearTimeout(timer));
      });
    });
  }

  /** Events are lines that hold a JSON object with `event`; a capture on stdout is bytes without meaning here. */
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
      // Not an event, then.
    }
  }
}
