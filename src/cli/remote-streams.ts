/**
 * Joins this process's stdin, stdout and stderr to a command on the server, byte for byte, each at the speed
 * of its reader, and returns the command's own exit code. 255 stands for all that happens to ssh itself: a
 * signal, a lost session, a disconnect.
 */
import { EscapeCharacter } from "../codec/session/escape-character.ts";
import type { CommandSettings } from "../config/command-settings.ts";
import type { Started, Tunnel } from "../forward/tunnel.ts";
import { PacedInput } from "../io/paced-input.ts";
import type { CommandEnd, CommandOutput, RemoteCommand } from "../ssh/channel/remote-command.ts";
import { visible } from "../text/terminal-text.ts";
import type { Output } from "./output.ts";
import type { Terminal } from "./terminal.ts";

/** The exit code for failures of ssh itself, as in ssh. */
const sshFailure = 255;

export interface CommandJob {
  readonly settings: CommandSettings;
  /** The host as the user typed it. */
  readonly host: string;
}

export interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/**
 * Resolves with the exit code when the command and all forwarded connections are over, or at the first signal. SIGTERM
 * gives 255 and not 0, because a command that was cut off has not done its work.
 */
export async function runCommand(
  { settings, host }: CommandJob,
  terminal: Terminal | undefined,
  tunnel: Pick<Tunnel, "idle">,
  { command, lost }: Started,
  interrupted: Promise<number>,
  output: Output,
  streams: Streams = process,
): Promise<number> {
  if (command === undefined) return sshFailure;
  let isLeft = false;
  const whole = async () => {
    const end = await attend(command, settings, terminal, streams);
    // After a disconnect (~.) nothing is waited for.
    if (end === undefined || isLeft) return sshFailure;
    const code = exitCode(end, output);
    return Promise.race([tunnel.idle().then(() => code), lost.then((reason) => reason.exitCode)]);
  };
  try {
    return await Promise.race([whole(), interrupted.then((code) => code || sshFailure)]);
  } finally {
    isLeft = true;
    command.close();
    terminal?.restore();
    if (terminal !== undefined && output.shows("warn"))
      streams.stderr.write(`Connection to ${visible(host)} closed.\n`);
  }
}

/** Resolves when the command is over and all its output is written; with undefined after a disconnect. */
async function attend(
  command: RemoteCommand,
  settings: CommandSettings,
  terminal: Terminal | undefined,
  streams: Streams,
): Promise<Ending | undefined> {
  const input = settings.readsInput ? new PacedInput(streams.stdin) : undefined;
  terminal?.enterRaw();
  terminal?.onResize((size) => command.resize(size));
  // The size may have changed since the server was asked for the terminal.
  if (terminal !== undefined) command.resize(terminal.size);
  const escapeCode = terminal === undefined ? undefined : settings.escape;
  const disconnected = new Promise<undefined>((resolve) => {
    const reading =
      input === undefined
        ? command.endInput()
        : readInput(command, input, streams, escapeCode, () => resolve(undefined));
    // The command reads no more input, or has ended: the rest of stdin is not needed.
    reading.catch(() => input?.stop());
  });
  let isUnread = false;
  const outputs = Promise.all([
    writeOut(command.stdout, streams.stdout, () => {
      isUnread = true;
      // As in ssh, the command is told that nobody reads its output, and mostly ends because of that (SIGPIPE).
      command.close();
    }),
    writeOut(command.stderr, streams.stderr, () => {}),
  ]);
  try {
    const end = await Promise.race([command.ended, disconnected]);
    if (end === undefined) return undefined;
    await outputs;
    return { ...end, isUnread };
  } finally {
    input?.stop();
    terminal?.restore();
  }
}

/** `isUnread`: nobody read stdout here any more, so porthop closed the channel of the command. */
type Ending = CommandEnd & { readonly isUnread: boolean };

function exitCode(end: Ending, output: Output): number {
  if (end.how === "exit") return end.code;
  const log = output.loggerFor();
  // The reader of the output is gone and needs no message that the command ended because of that (SIGPIPE).
  if (end.isUnread) return sshFailure;
  if (end.how === "signal") log.error(`the command was ended by ${end.signal}`);
  // The tunnel reports a lost session.
  if (end.how === "untold") log.error("the server closed the command's channel and told no exit code");
  return sshFailure;
}

/** Calls `unread` once, when the reader of the output is gone. */
async function writeOut(from: CommandOutput, to: NodeJS.WritableStream, unread: () => void): Promise<void> {
  let isRead = true;
  for (;;) {
    const chunk = await from.read();
    if (chunk === undefined) return;
    // Output that nobody wants is still read, because stdout and stderr share one window.
    if (!isRead) continue;
    isRead = await written(to, chunk);
    if (!isRead) unread();
  }
}

function written(to: NodeJS.WritableStream, chunk: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    to.write(chunk, (error) => resolve(error === null || error === undefined));
  });
}

/**
 * Reads stdin at the speed of the command: nothing is read while the command takes nothing. Resolves once
 * the end of stdin was passed on.
 */
async function readInput(
  command: RemoteCommand,
  input: PacedInput,
  { stderr }: Streams,
  escapeCode: number | undefined,
  disconnect: () => void,
): Promise<void> {
  const keys = escapeCode === undefined ? undefined : new EscapeCharacter(escapeCode);
  for (;;) {
    const chunk = await input.read();
    if (chunk === undefined) return command.endInput();
    const typed = keys?.take(chunk) ?? { bytes: chunk, actions: [] };
    if (typed.actions.includes("help")) stderr.write(help);
    if (typed.bytes.length > 0) await command.write(typed.bytes);
    if (typed.actions.includes("disconnect")) disconnect();
  }
}

const help = ["", "~.  disconnect", "~~  send the escape character", "~?  this help", ""].join("\r\n");
