/**
 * A program in a pseudo-terminal, as a user sees the program: the test types and waits for text on the screen.
 * script(1) makes the terminal. Waits ignore colours and cursor movements.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { atExit } from "./lifetime.ts";
import { descendants, gone, killTree, send } from "./processes.ts";
import { removeTemp, tempDirectory } from "./temp.ts";
import { type Look, Transcript } from "./transcript.ts";

export interface PtyOptions {
  readonly rows?: number;
  readonly columns?: number;
  /** The whole environment. Undefined for this process's own. `launch(args).env` gives porthop's. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs `command` (a program and its arguments). Needs the tools script and stty. */
export function pty(command: readonly string[], options: PtyOptions = {}): Pty {
  return new Pty(command, options);
}

export class Pty implements AsyncDisposable {
  /** The exit code; 128 and the signal's number when a signal ended the program. */
  readonly exit: Promise<number>;
  readonly #directory = tempDirectory("pty");
  readonly #child: ChildProcess;
  readonly #screen = new Transcript("the screen", stripVTControlCharacters);
  readonly #forget: () => void;

  constructor(command: readonly string[], options: PtyOptions) {
    const size = `stty rows ${options.rows ?? 24} cols ${options.columns ?? 80}`;
    const inside = `tty > ${quote(this.#ttyFile)}; ${size}; exec ${command.map(quote).join(" ")}`;
    this.#child = spawn("script", ["-qefc", inside, "/dev/null"], {
      // script runs the command line with $SHELL.
      env: { ...(options.env ?? process.env), SHELL: "/bin/sh" },
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.#forget = atExit(() => {
      this.#kill();
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => this.#screen.add(text));
    }
    this.#child.stdin?.on("error", () => {});
    this.exit = new Promise((resolve) => {
      const end = (code: number, why: string) => {
        this.#screen.end(why);
        resolve(code);
      };
      this.#child.on("error", (error) => end(127, error.message));
      this.#child.on("close", (code) => end(code ?? 137, `the program ended with code ${code}`));
    });
  }

  /** All output so far, with escape sequences. */
  get raw(): string {
    return this.#screen.text;
  }

  /** All output so far as plain text. */
  get text(): string {
    return stripVTControlCharacters(this.raw);
  }

  /**
   * Types text; Enter is `\r`, Ctrl-C is `\u0003`. Returns a mark: `screen(/x/, { after: mark })` looks only at later
   * output.
   */
  send(text: string): number {
    const mark = this.raw.length;
    this.#child.stdin?.write(text);
    return mark;
  }

  /** Waits for text in the output, without escape sequences. */
  screen(pattern: RegExp, look?: Look): Promise<RegExpMatchArray> {
    return this.#screen.until(pattern, look);
  }

  /** Changes the terminal's size; the program gets SIGWINCH. Call this after the program has written something. */
  resize(rows: number, columns: number): void {
    const tty = readFileSync(this.#ttyFile, "utf8").trim();
    const set = spawnSync("stty", ["-F", tty, "rows", String(rows), "cols", String(columns)], { encoding: "utf8" });
    if (set.status !== 0) throw new Error(`stty failed: ${set.stderr}`);
  }

  /**
   * Closes the window: the terminal is gone, and the programs inside get SIGHUP. The caller must end a program that
   * stays.
   */
  async hangUp(): Promise<void> {
    if (this.#child.pid !== undefined) send([this.#child.pid], "SIGKILL");
    await this.exit;
  }

  /** The processes in the terminal. */
  get inside(): readonly number[] {
    return this.#child.pid === undefined ? [] : descendants(this.#child.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const killed = this.#kill();
    await this.exit;
    await gone(killed);
    this.#forget();
    removeTemp(this.#directory);
  }

  get #ttyFile(): string {
    return join(this.#directory, "tty");
  }

  #kill(): number[] {
    const running = this.#child.exitCode === null && this.#child.signalCode === null;
    return running && this.#child.pid !== undefined ? killTree(this.#child.pid) : [];
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
