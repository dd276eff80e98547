/**
 * Joins the process's stdin, stdout and stderr to a command on the server, byte for byte, each at the pace of its reader,
 * and gives the command's own exit code. 255 is for all that is ssh's: a signal, a lost session, a disconnect.
 */
import { EscapeCharacter } from "../codec/session/escape-character.ts";
import type { CommandSettings } from "../config/command-settings.ts";
import type { Started, Tunnel } from "../forward/tunnel.ts";
import { PacedInput } from "../io/paced-input.ts";
import type { CommandEnd, CommandOutput, RemoteCommand } from "../ssh/channel/remote-command.ts";
import { visible } from "../text/terminal-text.ts";
import type { Output } from "./output.ts";
import type { Terminal } from "./terminal.ts";

/** What ends with 255, as ssh has it. */
const sshFailure = 255;

export interface CommandJob {
  readonly settings: CommandSettings;
  /** As the user named it. */
  readonly host: string;
}

export interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/**
 * Resolves with the exit code when the command and all forwarded connections are over, or at the first signal. SIGTERM
 * gives 255 and not 0: nobody may take a command that was cut off for one that has done its work.
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
    // What was left for good (~.) waits for nobody.
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

/** Resolves when the command is over and all that it wrote is out; with undefined after a disconnect. */
async function attend(
  command: RemoteCommand,
  settings: CommandSettings,
  terminal: Terminal | undefined,
  streams: Streams,
): Promise<Ending | undefined> {
  const input = settings.readsInput ? new PacedInput(streams.stdin) : undefined;
  terminal?.enterRaw();
  terminal?.onResize((size) => command.resize(size));
  // It may have changed since it was asked for.
  if (terminal !== undefined) command.resize(terminal.size);
  const escapeCode = terminal === undefined ? undefined : settings.escape;
  const disconnected = new Promise<undefined>((resolve) => {
    const reading =
      input === undefined
        ? command.endInput()
        : readInput(command, input, streams, escapeCode, () => resolve(undefined));
    // The command reads no more, or is gone: nobody wants the rest.
    reading.catch(() => input?.stop());
  });
  let isUnread = false;
  const outputs = Promise.all([
    writeOut(command.stdout, streams.stdout, () => {
      isUnread = true;
      // As with ssh, a command whose output nobody reads is told so, and mostly ends of it (SIGPIPE).
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

/** `isUnread`: nobody read its stdout any more, and so it was hung up. */
type Ending = CommandEnd & { readonly isUnread: boolean };

function exitCode(end: Ending, output: Output): number {
  if (end.how === "exit") return end.code;
  const log = output.loggerFor();
  // That its reader is gone (SIGPIPE) is no news to whoever reads no more.
  if (end.isUnread) return sshFailure;
  if (end.how === "signal") log.error(`the command was ended by ${end.signal}`);
  // A lost session is told by the tunnel.
  if (end.how === "untold") log.error("the server closed the command's channel and told no exit code");
  return sshFailure;
}

/** `unread` is told once when the reader is gone. */
async function writeOut(from: CommandOutput, to: NodeJS.WritableStream, unread: () => void): Promise<void> {
  let isRead = true;
  for (;;) {
    const chunk = await from.read();
    if (chunk === undefined) return;
    // What is not wanted any more is read all the same: the other output shares its window.
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

/** At the command's pace: what it does not take is not read. Resolves once it has been given the end of stdin. */
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
