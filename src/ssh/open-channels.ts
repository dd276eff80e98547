/**
 * What is open in a session and breaks when the session is lost: the connections in its channels, its commands, and the
 * sessions inside it.
 */
import type { Duplex } from "node:stream";
import type { ClientChannel } from "ssh2";
import type { LegNumber, PorthopError } from "../errors.ts";
import type { Conn } from "../flow/conn.ts";
import { OpenItems } from "../flow/open-items.ts";
import { type ChannelCarrier, channelConn } from "./channel/channel-conn.ts";
import type { RemoteCommand } from "./channel/remote-command.ts";

interface Breakable {
  readonly conn: Pick<Conn, "abort">;
  /** Undefined for a command, and for a session inside. */
  readonly channel?: ClientChannel;
}

export class OpenChannels {
  readonly #carrier: ChannelCarrier;
  readonly #open = new OpenItems<Breakable>();

  constructor(carrier: ChannelCarrier) {
    this.#carrier = carrier;
  }

  /** A channel as a conn, which breaks when the session is lost. */
  adopt(channel: ClientChannel, where: string, leg: LegNumber): Conn {
    const conn = channelConn(channel, this.#carrier, where, leg);
    channel.on("close", this.#open.add({ conn, channel }));
    return conn;
  }

  /** The command breaks when the session is lost. */
  hold(command: RemoteCommand): void {
    void command.ended.then(this.#open.add({ conn: command }));
  }

  /**
   * The stream under a session inside this one. A jump host outlives many of these, so that the session's `lost` must
   * not keep them.
   */
  holdStream(stream: Duplex): Duplex {
    stream.once("close", this.#open.add({ conn: { abort: () => void stream.destroy() } }));
    return stream;
  }

  /** A channel that is not read at the moment would hear of the loss only after all its data was read. */
  abort(reason: PorthopError): void {
    for (const { conn } of this.#open.all()) conn.abort(reason);
  }

  /** Resolves once the server has closed each channel that both sides have ended. */
  async delivered(): Promise<void> {
    await Promise.all(
      this.#undelivered().map(({ channel }) => new Promise((resolve) => channel?.once("close", resolve))),
    );
  }

  /** How many channels `delivered` would wait for now. */
  get undelivered(): number {
    return this.#undelivered().length;
  }

  #undelivered(): Breakable[] {
    return this.#open.all().filter(({ channel }) => channel?.readableEnded && channel.writableFinished);
  }
}

/** The warning for connections that ended cleanly here while the server still held bytes of them. */
export function cutOff(connections: number, why: string): string {
  const whose = connections === 1 ? "1 connection" : `${connections} connections`;
  return `the last bytes of ${whose} may be lost: ${why}`;
}
