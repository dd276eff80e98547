/**
 * An ssh server that asks its client without end: requests that want an answer, channels that nobody wants, messages
 * without meaning. It reads the answers or does not. The flood begins when the client opens its first channel.
 */
import { type HostileSsh, hostileSsh, type Peer, text, uint32 } from "./hostile-ssh.ts";
import { Waiting } from "./waiting.ts";

export interface Question {
  readonly name: string;
  /** Whether the client must answer each one. */
  readonly answered: boolean;
  /** The parts of the message. `channel` is the number of the client's open channel. */
  message(channel: Uint8Array, index: number): readonly (number | Uint8Array)[];
}

export const questions: readonly Question[] = [
  globalRequest("keepalive@openssh.com"),
  globalRequest("anything@example.com"),
  {
    name: "a request on an open channel",
    answered: true,
    message: (channel) => [98, channel, text("keepalive@openssh.com"), 1],
  },
  openOf("forwarded-tcpip", [text("localhost"), uint32(8080), text("192.0.2.1"), uint32(1)]),
  openOf("forwarded-streamlocal@openssh.com", [text("/run/a.sock"), text("")]),
  openOf("x11", [text("127.0.0.1"), uint32(1)]),
  openOf("auth-agent@openssh.com", []),
  openOf("unheard-of@example.com", []),
  { name: "SSH_MSG_IGNORE", answered: false, message: () => [2, text("x".repeat(100))] },
  { name: "SSH_MSG_DEBUG", answered: false, message: () => [4, 0, text("hello"), text("")] },
  { name: "an answer to nothing", answered: false, message: () => [82] },
  { name: "an answer to nothing on a channel", answered: false, message: (channel) => [100, channel] },
];

export interface Flood {
  readonly question: Question;
  /** How many times the server asks. Undefined for without end. */
  readonly count?: number;
  /** Whether the server reads. Undefined means no. */
  readonly reads?: boolean;
}

export interface FloodingServer extends HostileSsh {
  /** Resolves when all questions are sent and all answers to them have arrived. */
  answered(): Promise<void>;
}

/** Starts the server. Its channels echo. */
export async function floodingServer(flood: Flood): Promise<FloodingServer> {
  const waiting = new Waiting();
  const count = flood.count ?? Number.POSITIVE_INFINITY;
  let asked = 0;
  let answers = 0;
  const pour = (peer: Peer, channel: Uint8Array) => {
    answers = peer.answers;
    waiting.change();
    // The questions go out in portions, so that the server can read in between.
    for (let index = 0; index < portion && asked < count; index++)
      peer.send(...flood.question.message(channel, asked++));
    if (peer.socket.destroyed || (asked >= count && answers >= count)) return;
    if (peer.socket.writableLength > fullBytes) peer.socket.once("drain", () => pour(peer, channel));
    else setImmediate(() => pour(peer, channel));
  };
  const server = await hostileSsh({
    open(peer, accept) {
      const { channel, id } = accept();
      channel.on("data", (chunk: Uint8Array) => channel.write(chunk));
      channel.on("end", () => channel.end());
      if (asked > 0) return;
      if (flood.reads !== true) peer.socket.pause();
      pour(peer, id);
    },
  });
  return Object.assign(server, {
    async answered() {
      const owed = () => asked >= count && (!flood.question.answered || answers >= count);
      await waiting.until(`${count} answers`, () => (owed() ? true : undefined), 60_000);
    },
  });
}

const portion = 500;
const fullBytes = 256 * 1024;

function globalRequest(name: string): Question {
  return { name, answered: true, message: () => [80, text(name), 1] };
}

/** Each question has a number of its own, as if all channels could be open at one time. */
function openOf(type: string, more: readonly Uint8Array[]): Question {
  const message = (_channel: Uint8Array, index: number) => [
    90,
    text(type),
    uint32(1000 + index),
    uint32(2_000_000),
    uint32(32_768),
    ...more,
  ];
  return { name: `opening ${type}`, answered: true, message };
}
