/**
 * Where the forwards listen, as people read it. A forward on the server listens anew with each session, and a log with a
 * line for each would say nothing: a line comes when it is the first, when it says something new, and after a wait.
 */
import { formatAddress, isUnix } from "../codec/address.ts";
import type { EventNamed } from "../flow/event.ts";

export interface ListeningLine {
  readonly level: "info" | "debug";
  readonly text: string;
}

export class ListeningWords {
  /** The last text of each forward. */
  readonly #told = new Map<string, string>();
  readonly #moved = new Set<string>();
  #server: string | undefined;

  /** On another server the same text is news. */
  session({ host, port }: Pick<EventNamed<"session">, "host" | "port">): void {
    const server = formatAddress({ host, port });
    if (this.#server !== undefined && this.#server !== server) this.#told.clear();
    this.#server = server;
  }

  listening(event: EventNamed<"listening">): ListeningLine {
    const text = listeningText(event);
    const isKnown = this.#moved.delete(event.forward) || this.#told.get(event.forward) === text;
    this.#told.set(event.forward, text);
    return { level: isKnown ? "debug" : "info", text };
  }

  /** The forward is out, and this was told. Its return is told too. */
  waiting({ forward }: EventNamed<"forward.waiting">): void {
    this.#told.delete(forward);
  }

  /** Its new address is told already. */
  moved({ forward }: EventNamed<"forward.moved">): void {
    this.#moved.add(forward);
  }
}

function listeningText({ forward, listen, addresses, connect, side }: EventNamed<"listening">): string {
  const target = connect === undefined ? "SOCKS and HTTP proxy" : `-> ${formatAddress(connect)}`;
  if (addresses.length === 0 && !isUnix(listen)) {
    const doubt = "on which of its addresses only it knows (porthop check tries)";
    return `${forward} ${target}: the server listens on port ${listen.port}; ${doubt}`;
  }
  const places = addresses.map(formatAddress).join(" and ");
  const where = `${places}${side === "server" ? " of the server" : ""}`;
  return `${forward} listening on ${where}${connect === undefined ? ":" : ""} ${target}`;
}
