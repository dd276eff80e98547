/**
 * The errors of a session that fails before it is ready, when neither the host key nor the keys of the user were the
 * reason. Each says what the server said, or how it ended the connection, and at which step.
 */
import { PorthopError } from "../errors.ts";
import { errnoOf } from "../io/socket-failure.ts";
import { quoted } from "../text/terminal-text.ts";
import { serverWords } from "./greeting.ts";
import { damageHint, faultText, lost, nameOf, type Peer, type Ssh2Error } from "./ssh-failure.ts";
import { DamagedPacket, Disconnected } from "./ssh2/inbound-fault.ts";
import type { Transport } from "./transport.ts";

/** How far the session came. */
export interface HandshakePoint {
  /** The beginning of the server's bytes. */
  readonly heard: string;
  /** The server's identification was read. */
  readonly isGreeted: boolean;
  /** The key exchange is over. */
  readonly isExchanged: boolean;
}

/** The cause of the error for a server that ended, or said something else, before an SSH greeting. */
export class NoGreeting extends Error {
  /** What it said, between quotes and made safe. Undefined when it said nothing. */
  readonly said: string | undefined;

  constructor(said: string | undefined, cause: unknown) {
    super("no SSH greeting", { cause });
    this.said = said;
  }
}

/** The error, in ssh2's own words, for a connection that ended before the handshake was done. */
export function lostEarly(): Error {
  return new Error(lostEarlyText);
}

const lostEarlyText = "Connection lost before handshake";

/** What the layer under the session knows of a connection that ended or failed, or that had no SSH in it. */
export function betterReason(transport: Pick<Transport, "goneBy">, error: unknown): PorthopError | undefined {
  if (!(error instanceof PorthopError)) return undefined;
  if (error.cause instanceof NoGreeting) return transport.goneBy("greeting", error.cause.said);
  return isClosed(error.cause) || errnoOf(error.cause) !== undefined ? transport.goneBy("login") : undefined;
}

export function handshakeFailure(error: Ssh2Error, peer: Peer, reached: HandshakePoint): PorthopError {
  const where = nameOf(peer);
  const { isGreeted, isExchanged } = reached;
  if (!isGreeted) return greetingFailure(error, where, reached.heard);
  if (error instanceof Disconnected) {
    const step = isExchanged ? "during the login" : "before the SSH handshake was done";
    const hint = isAboutUs(error) ? busyHint : endHint;
    return ended(`${where} ended the connection ${step}: ${error.told}`, hint, error);
  }
  if (isClosed(error)) {
    if (isExchanged) return ended(`${where} ${closed(error)} the connection during the login`, loginHint, error);
    const { lines } = serverWords(reached.heard);
    const said = lines.length === 0 ? "" : `; before its greeting it said ${shown(lines)}`;
    return ended(`${where} ${closed(error)} the connection before the SSH handshake was done${said}`, busyHint, error);
  }
  if (error instanceof DamagedPacket) {
    return broken(`a packet from ${where} arrived damaged: ${error.message}`, damageHint, error);
  }
  if (isExchanged) return lost(error, peer);
  const text = faultText(error);
  if (/no matching/.test(text)) {
    return broken(`${where} and porthop have no algorithm in common: ${text}`, algorithmHint, error);
  }
  return broken(`the SSH handshake with ${where} failed: ${text}`, undefined, error);
}

/** True when the connection is gone, and the error says nothing more. */
export function isClosed(error: unknown): boolean {
  if (["ECONNRESET", "EPIPE"].includes(errnoOf(error) ?? "")) return true;
  return error instanceof Error && error.message.startsWith(lostEarlyText);
}

/** RFC 4253, section 11.1: this host is not allowed to connect, or there are too many connections. */
function isAboutUs({ reason }: Disconnected): boolean {
  return reason === 1 || reason === 12;
}

function greetingFailure(error: Ssh2Error, where: string, heard: string): PorthopError {
  const { lines, identification } = serverWords(heard);
  if (identification !== undefined) return identificationFailure(identification, where, error);
  // sshd answers in plain text when it has too many connections, or refuses this address (sshd.c, drop_connection).
  if (/^(Exceeded MaxStartups|Not allowed at this time)/.test(lines[0] ?? "")) {
    const said = shown(lines);
    return ended(`${where} turned the connection away: it said ${said}`, busyHint, new NoGreeting(said, error));
  }
  if (lines.length > 0) {
    const said = shown(lines);
    return broken(`${where} does not speak SSH: it said ${said}`, portHint, new NoGreeting(said, error));
  }
  if (isClosed(error)) {
    const text = `${where} ${closed(error)} the connection before its SSH greeting`;
    return ended(text, busyHint, new NoGreeting(undefined, error));
  }
  if (/greeting|header/i.test(error.message)) {
    return broken(`${where} does not speak SSH: it sends empty lines without end`, portHint, error);
  }
  return broken(`the SSH handshake with ${where} failed: ${faultText(error)}`, undefined, error);
}

/** RFC 4253, section 4.2, has 2.0 and, for servers that speak both, 1.99 (section 5.1). */
function identificationFailure(identification: string, where: string, error: Error): PorthopError {
  const version = /^SSH-(\d+\.\d+)-/.exec(identification)?.[1];
  if (version === undefined || version === "2.0" || version === "1.99") {
    return broken(`${where} sent an SSH greeting that is none: ${quoted(identification)}`, portHint, error);
  }
  const hint = version.startsWith("1.") ? versionHint : portHint;
  return broken(`${where} speaks SSH ${version.slice(0, 20)}, and porthop only SSH 2.0`, hint, error);
}

const portHint = "another service has that port, or the server turns this address away: check the port (-p)";
const versionHint = "SSH 1 is broken, and no client of today has it: the server's software has to be renewed";
const busyHint =
  "sshd may be refusing the caller's address for a while (MaxStartups, PerSourcePenalties, fail2ban): wait a minute before the next try";
const loginHint =
  "the server's log says why: it may refuse this user or address (RefuseConnection), or it waited too long (LoginGraceTime)";
const endHint = "the server's log says more";
const algorithmHint =
  "its sshd_config allows only what porthop does not have, or what Ciphers, MACs, KexAlgorithms or HostKeyAlgorithms here leave out";

function ended(message: string, hint: string, cause: Error): PorthopError {
  return new PorthopError("ssh.lost", message, { leg: 2, hint, cause });
}

function broken(message: string, hint: string | undefined, cause: Error): PorthopError {
  return new PorthopError("ssh.protocol", message, { leg: 2, hint, cause });
}

function closed(error: unknown): string {
  return errnoOf(error) === "ECONNRESET" ? "reset" : "closed";
}

/** A person reads the first lines; what follows is cut. */
function shown(lines: readonly string[]): string {
  return quoted(lines.slice(0, 3).join(" / "));
}
