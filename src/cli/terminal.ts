/**
 * The terminal here, for a command that has one on the server: its type and size, raw mode while the command has the keys,
 * and back again whatever happens. A terminal left in raw mode shows nothing of what is typed.
 */
import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { WriteStream } from "node:tty";
import { usualModes } from "../codec/session/terminal-modes.ts";
import type { TerminalSize } from "../codec/session/terminal-size.ts";
import type { CommandSettings } from "../config/command-settings.ts";
import type { TerminalRequest } from "../ssh/channel/session-channel.ts";
import type { Output } from "./output.ts";

export class Terminal {
  /** What the server is asked for. */
  readonly request: TerminalRequest;
  readonly #restore = () => this.restore();
  #resized: (() => void) | undefined;
  #isRaw = false;

  constructor(environment: NodeJS.ProcessEnv) {
    this.request = { ...sizeOfTerminal(), type: environment["TERM"] ?? "", modes: usualModes(isUtf8(environment)) };
  }

  get size(): TerminalSize {
    return sizeOfTerminal();
  }

  /** From here on the keys are the command's, Ctrl-C too. Does nothing where stdin is no terminal (-tt). */
  enterRaw(): void {
    if (process.stdin.isTTY !== true || this.#isRaw) return;
    this.#isRaw = true;
    // Also when the program ends by a defect of ours.
    process.on("exit", this.#restore);
    process.stdin.setRawMode(true);
    // The runtimes' raw mode still makes CR LF of each LF, and a full-screen program means LF when it says so; ssh's does
    // not (sshtty.c, enter_raw_mode). Without stty (Windows) it stays as it is.
    spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  }

  /** Tells each new size. */
  onResize(told: (size: TerminalSize) => void): void {
    this.#resized = () => told(sizeOfTerminal());
    process.on("SIGWINCH", this.#resized);
  }

  /** As it was before. May be called more than once. */
  restore(): void {
    if (this.#resized !== undefined) process.removeListener("SIGWINCH", this.#resized);
    this.#resized = undefined;
    if (!this.#isRaw) return;
    this.#isRaw = false;
    process.removeListener("exit", this.#restore);
    process.stdin.setRawMode(false);
  }
}

/** Undefined when the command gets no terminal: it was not asked for, or there is none here. */
export function terminalFor(settings: CommandSettings, output: Output): Terminal | undefined {
  if (settings.terminal === "no") return undefined;
  const isHere = process.stdin.isTTY === true && settings.readsInput;
  if (settings.terminal === "force" || isHere) return new Terminal(process.env);
  output.warn("the command gets no terminal: stdin is none (-tt gives it one all the same)");
  return undefined;
}

/** LC_ALL, LC_CTYPE, LANG: the first that is set says it (locale(7)). */
function isUtf8({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  return /utf-?8$/i.test(LC_ALL || LC_CTYPE || LANG || "");
}

/** All zero when nobody knows, as ssh has it. */
function sizeOfTerminal(): TerminalSize {
  for (const stream of [process.stdout, process.stderr]) {
    const size = sizeOf(stream);
    if (size !== undefined) return size;
  }
  return controllingSize() ?? { rows: 0, columns: 0 };
}

function sizeOf(stream: { getWindowSize?(): [columns: number, rows: number]; isTTY?: boolean }) {
  if (stream.isTTY !== true || stream.getWindowSize === undefined) return undefined;
  const [columns, rows] = stream.getWindowSize();
  return columns > 0 && rows > 0 ? { rows, columns } : undefined;
}

/** Both outputs may be redirected while stdin is a terminal. */
function controllingSize(): TerminalSize | undefined {
  if (process.stdin.isTTY !== true) return undefined;
  let descriptor: number | undefined;
  try {
    descriptor = openSync("/dev/tty", "r+");
    return sizeOf(new WriteStream(descriptor));
  } catch {
    if (descriptor !== undefined) closeSync(descriptor);
    return undefined;
  }
}
