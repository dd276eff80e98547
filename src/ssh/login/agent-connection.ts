/**
 * One connection with an agent (draft-miller-ssh-agent, section 3): messages go out, and each is answered before the
 * next. A length is believed only as far as OpenSSH believes it, and nothing is waited for after `signal` fires.
 */
import { readString, writeStrings } from "../../codec/ssh-string.ts";
import { unlessAborted } from "../../io/after.ts";
import { visible } from "../../text/terminal-text.ts";
import type { Ssh2 } from "../ssh2/loading.ts";

/** The agent closed the connection in place of an answer. */
export class AgentHungUp extends Error {
  override readonly name = "AgentHungUp";
  /** How many messages the agent had answered before. */
  readonly answered: number;

  constructor(answered: number) {
    super("the agent closed the connection without an answer");
    this.answered = answered;
  }
}

/** Sends the messages on a connection of their own. Resolves with the answers, without their lengths. */
export async function askAgent(
  ssh2: Ssh2,
  socketPath: string,
  messages: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<Buffer[]> {
  const connecting = connect(ssh2, socketPath);
  try {
    const stream = await unlessAborted(connecting, signal);
    return await unlessAborted(converse(stream, messages), signal);
  } finally {
    // This also closes a connection that comes up after the wait is over.
    connecting.then(
      (stream) => stream.destroy(),
      () => {},
    );
  }
}

/** The first answer in what has arrived, without its length; undefined while bytes are missing. */
export function firstAnswer(received: Uint8Array): Buffer | undefined {
  if (received.length < 4) return undefined;
  const length = Buffer.from(received.buffer, received.byteOffset, 4).readUInt32BE(0);
  if (length === 0 || length > maxAnswerBytes) throw new Error("the agent's answer makes no sense");
  return readString(received, 0)?.bytes;
}

/** As OpenSSH's MAX_AGENT_REPLY_LEN (authfd.c). */
const maxAnswerBytes = 256 * 1024;

/** The part of a stream that is used here. ssh2 makes the stream of a unix socket, a Windows pipe or Pageant. */
interface AgentStream {
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  on(event: "error" | "end" | "close", listener: () => void): unknown;
  write(data: Uint8Array): unknown;
  destroy(): unknown;
}

function connect(ssh2: Ssh2, socketPath: string): Promise<AgentStream> {
  return new Promise((resolve, reject) => {
    const agent = ssh2.createAgent(socketPath);
    const unreachable = () => new Error(`no agent can be reached at ${visible(socketPath, 120)}`);
    if (agent.getStream === undefined) return reject(unreachable());
    agent.getStream((error, stream) => (error || stream === undefined ? reject(unreachable()) : resolve(stream)));
  });
}

function converse(stream: AgentStream, messages: readonly Uint8Array[]): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const answers: Buffer[] = [];
    let received = Buffer.alloc(0);
    const sendNext = () => {
      const message = messages[answers.length];
      if (message === undefined) resolve(answers);
      else stream.write(writeStrings(message));
    };
    const hear = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = answers.length === messages.length ? undefined : firstAnswer(received);
      if (answer === undefined) return;
      answers.push(Buffer.from(answer));
      received = received.subarray(4 + answer.length);
      sendNext();
    };
    const broken = () => reject(new AgentHungUp(answers.length));
    stream.on("error", broken);
    stream.on("end", broken);
    stream.on("close", broken);
    stream.on("data", (chunk) => {
      try {
        hear(chunk);
      } catch (error) {
        reject(error);
      }
    });
    sendNext();
  });
}
