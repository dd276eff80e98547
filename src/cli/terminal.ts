/**
 * The terminal here, for a command that has a terminal on the server: type and size, and raw mode while the command
 * gets the keys. Raw mode always ends with the command, because a terminal in raw mode does not show what is typed.
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
  /** The request to the server for a terminal. */
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

  /** From now on the command gets all keys, Ctrl-C too. Does nothing when stdin is no terminal (-tt). */
  enterRaw(): void {
    if (process.stdin.isTTY !== true || this.#isRaw) return;
    this.#isRaw = true;
    // Restores the terminal also when porthop ends because of a defect.
    process.on("exit", this.#restore);
    process.stdin.setRawMode(true);
    // The runtimes' raw mode still makes CR LF of each LF, but a full-screen program that writes LF means LF only.
    // ssh's raw mode leaves LF alone (sshtty.c, enter_raw_mode). Without stty (Windows) nothing changes.
    spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  }

  /** Calls `told` at each new size. */
  onResize(told: (size: TerminalSize) => void): void {
    this.#resized = () => told(sizeOfTerminal());
    process.on("SIGWINCH", this.#resized);
  }

  /** Puts the terminal back into its first state. May be called more than once. */
  restore(): void {
    if (this.#resized !== undefined) process.removeListener("SIGWINCH", this.#resized);
    this.#resized = undefined;
    if (!this.#isRaw) return;
    this.#isRaw = false;
    process.removeListener("exit", this.#restore);
    process.stdin.setRawMode(false);
  }
}

/** Undefined when the command gets no terminal: no terminal was asked for, or there is none here. */
export function terminalFor(settings: CommandSettings, output: Output): Terminal | undefined {
  if (settings.terminal === "no") return undefined;
  const isHere = process.stdin.isTTY === true && settings.readsInput;
  if (settings.terminal === "force" || isHere) return new Terminal(process.env);
  output.warn("the command gets no terminal: stdin is none (-tt gives it one all the same)");
  return undefined;
}

/** The first of LC_ALL, LC_CTYPE and LANG that is set decides (locale(7)). */
function isUtf8({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  return /utf-?8$/i.test(LC_ALL || LC_CTYPE || LANG || "");
}

/** The size of the terminal here; 0 by 0 when the size is not known, as in ssh. */
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

/** The size of the controlling terminal. Both outputs may be redirected while stdin is a terminal. */
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
