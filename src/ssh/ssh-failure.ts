/**
 * Translates ssh2's errors into porthop's. Only this file, handshake-failure.ts and ssh2/inbound-fault.ts read the
 * levels, codes and texts of ssh2's errors. RFC 4254, section 5.1 gives the reasons of a refused channel; sshd adds the
 * system's own words as text.
 */
import { type Address, formatAddress, isUnix } from "../codec/address.ts";
import { type ErrorCode, type LegNumber, PorthopError } from "../errors.ts";
import { SourceUnusable } from "../io/dial.ts";
import { describe, errnoOf } from "../io/socket-failure.ts";
import { visible } from "../text/terminal-text.ts";
import { DamagedPacket, Disconnected } from "./ssh2/inbound-fault.ts";

export interface Peer {
  readonly host: string;
  readonly port: number;
  /** True for a jump host. The errors say so. */
  readonly isJump?: boolean | undefined;
}

/** The fields that ssh2 adds to its errors. */
export interface Ssh2Error extends Error {
  readonly level?: string;
  readonly reason?: number | string;
  readonly code?: string | number;
}

/** The server gave no sign of life for too long (keep-alive.ts). */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
}

/** An error of the agent does not end the session: ssh2 goes on with the next method. */
export function isAgentError(error: Ssh2Error): boolean {
  return error.level === "agent";
}

/** ssh2 has tried all methods of the login. */
export function isLoginError(error: Ssh2Error): boolean {
  return error.level === "client-authentication";
}

/**
 * sshd ends the connection after too many failed logins (MaxAuthTries). That counts as a failed login and not as a lost
 * session.
 */
export function isEndOfTries(error: Ssh2Error): error is Disconnected {
  if (!(error instanceof Disconnected)) return false;
  return error.reason === noMoreMethods || /authentication failures|too many.*auth/i.test(error.message);
}

/** RFC 4253, section 11.1. */
const noMoreMethods = 14;

/** Why ssh2 cannot open a key file, for the reasons that the user can cure. Undefined for other reasons. */
export function keyFault({ message }: Error): "passphrase" | "cipher" | undefined {
  if (/passphrase|integrity check|to decrypt key|unable to authenticate|bad decrypt/i.test(message))
    return "passphrase";
  // For example chacha20-poly1305@openssh.com.
  return /unknown cipher|unsupported cipher/i.test(message) ? "cipher" : undefined;
}

/** The KEXINIT list without a common entry, from 0 (RFC 4253, section 7.1). Undefined for other errors. */
export function unmatchedList(error: Ssh2Error): number | undefined {
  const index = listNames.findIndex((name) => error.message.endsWith(`no matching ${name}`));
  return index === -1 ? undefined : index;
}

/** The words of ssh2's kex.js, handleKexInit, in the order of the lists. */
const listNames = [
  ...["key exchange algorithm", "host key format", "C->S cipher", "S->C cipher", "C->S MAC", "S->C MAC"],
  ...["C->S compression algorithm", "S->C compression algorithm"],
];

/** The error for a TCP connection to sshd that could not be made. */
export function unreachable(error: unknown, peer: Peer): PorthopError {
  if (error instanceof PorthopError) return onLeg2(error);
  const refused = errnoOf(error) === "ECONNREFUSED";
  const otherEnd = refused
    ? "no program listens there: check the port (-p) and that sshd runs"
    : "check the host, the port (-p) and any firewall in between";
  // TCP's own handshake was done then: whoever is there has turned us away, and is not to be asked again at once.
  const isTurnedAway = errnoOf(error) === "ECONNRESET";
  return new PorthopError(
    isTurnedAway ? "ssh.lost" : "ssh.unreachable",
    `cannot reach ${peer.isJump === true ? "" : "sshd at "}${nameOf(peer)}: ${describe(error)}`,
    {
      leg: 2,
      hint:
        error instanceof SourceUnusable
          ? "BindAddress (-b) is an address of this machine, BindInterface (-B) an interface of it"
          : otherEnd,
      cause: error,
    },
  );
}

/** The name lookup does not know what the name is for. Here it is known: leg 2. */
function onLeg2(error: PorthopError): PorthopError {
  return new PorthopError(error.code, error.message, { hint: error.hint, leg: 2, cause: error.cause });
}

/** The error for a session that was ready and is gone. `isStalled` says that the server no longer read our answers. */
export function lost(error: Ssh2Error | undefined, peer: Peer, isStalled = false): PorthopError {
  const where = nameOf(peer);
  if (error instanceof Unanswered && isStalled) {
    return new PorthopError("ssh.lost", `lost the session with ${where}: it asks and does not read the answers`, {
      leg: 2,
      hint: "the server, or what stands for it, does not behave as an SSH server",
      cause: error,
    });
  }
  if (error instanceof Unanswered) {
    return new PorthopError("ssh.lost", `lost the session with ${where}: it stopped answering`, {
      leg: 2,
      hint: "the network or the server is gone; see ServerAliveInterval",
      cause: error,
    });
  }
  if (error instanceof DamagedPacket) {
    const text = `lost the session with ${where}: a packet from it arrived damaged: ${error.message}`;
    return new PorthopError("ssh.lost", text, { leg: 2, hint: damageHint, cause: error });
  }
  if (error instanceof Disconnected) {
    const text = `${where} ended the session: ${error.told}`;
    return new PorthopError("ssh.lost", text, { leg: 2, hint: "the server's log says more", cause: error });
  }
  const how = error === undefined ? "the connection was closed" : faultText(error);
  return new PorthopError("ssh.lost", `lost the session with ${where}: ${how}`, { leg: 2, cause: error });
}

export const damageHint =
  "something on the way to the server changes the data (a network device or driver, a VPN, somebody): try again, then from another network";

/** A name for messages: `db.internal:22`, `the jump host gate:22`. */
export function nameOf(peer: Peer): string {
  return peer.isJump === true ? `the jump host ${formatAddress(peer)}` : formatAddress(peer);
}

/** What went wrong, without the words by which ssh2 tells its own parts. */
export function faultText(error: Ssh2Error): string {
  const text = describe(error)
    .replace(/^Handshake failed: /, "")
    .replace(/^Inbound: Malformed (\w+) packet$/, "the server sent a malformed $1")
    .replace(/^(?:Inbound: )?Received /, "the server sent ");
  return visible(text, 200);
}

/** The error for a channel to a target that the server did not open. */
export function channelRefused(error: Ssh2Error, target: Address, peer: Peer): PorthopError {
  const where = formatAddress(target);
  const server = formatAddress(peer);
  const text = openFailureText(error);
  switch (error.reason) {
    case 1:
      return new PorthopError("target.prohibited", `${server} prohibits forwarding to ${where} (reason 1: ${text})`, {
        leg: 2,
        cause: error,
      });
    case 2:
      return connectFailed(text, target, error);
    case 3:
      return new PorthopError("target.prohibited", `${server} does not know this kind of forward (reason 3: ${text})`, {
        leg: 2,
        cause: error,
      });
    case 4:
      return new PorthopError("target.prohibited", `${server} is short of resources (reason 4: ${text})`, {
        leg: 2,
        hint: "the server has too many channels or open files; try again later",
        cause: error,
      });
    default:
      // RFC 4250, section 4.3 has no other reasons. A server may also close the channel without a reason.
      if (typeof error.reason === "number" || error.reason === "") {
        const why = error.reason === "" ? text : `reason ${error.reason}: ${text}`;
        return new PorthopError("target.prohibited", `${server} did not open a channel to ${where} (${why})`, {
          leg: 2,
          cause: error,
        });
      }
      return new PorthopError("ssh.lost", `the session with ${server} ended while connecting to ${where}`, {
        leg: 2,
        cause: error,
      });
  }
}

/**
 * The server broke a rule on one channel; the message is of the form `the server sent more than ...`. That channel is
 * closed and the session goes on.
 */
export class ChannelFault extends Error {}

/** The PorthopError for a fault. `where` names the other end of the channel. */
export function channelFault(fault: ChannelFault, where: string, leg: LegNumber): PorthopError {
  const way = leg === 1 ? "from" : "to";
  return new PorthopError("ssh.protocol", `closed the channel ${way} ${where}: ${fault.message}`, {
    leg: 2,
    hint: "the server breaks the rules of SSH on this channel; the other connections go on",
    cause: fault,
  });
}

/** RFC 4254's reason and the server's text, of an error of `channelRefused`. Undefined for other errors. */
export function openFailureOf({ cause }: PorthopError): { readonly reason: number; readonly text: string } | undefined {
  if (!(cause instanceof Error) || !("reason" in cause) || typeof cause.reason !== "number") return undefined;
  return { reason: cause.reason, text: cause.message };
}

/** The server's own words for a channel that it did not open. */
export function openFailureText(error: Ssh2Error): string {
  return visible(error.message.replace(/^\(SSH\) Channel open failure: ?/, ""), 200) || "no reason given";
}

/** Phrases by which the C libraries of servers say that a name has no address. */
export const cannotResolve = /not known|no address|resol[vu]|name or service|nodename/i;

function connectFailed(text: string, target: Address, cause: Ssh2Error): PorthopError {
  const where = formatAddress(target);
  if (/refused/i.test(text)) {
    return new PorthopError("target.refused", `the target ${where} refused the connection from the server`, {
      leg: 3,
      cause,
    });
  }
  if (cannotResolve.test(text)) {
    return new PorthopError("target.unreachable", `the server cannot resolve the target's name ${where}: ${text}`, {
      leg: 3,
      hint: "the name is looked up on the server: use a name or address that is known there",
      cause,
    });
  }
  const message = `the server cannot reach the target ${where}: ${text}`;
  if (!isUnix(target)) return new PorthopError("target.unreachable", message, { leg: 3, cause });
  // sshd says "open failed" for a socket that does not exist and also for one that is not allowed (serverloop.c).
  const hint =
    "it does not say why: no socket at this path that its user may open, or AllowStreamLocalForwarding, DisableForwarding or a key restriction";
  return new PorthopError("target.unreachable", message, { leg: 3, hint, cause });
}

/**
 * The error for a server that did not listen. The server gives no reason (RFC 4254, section 4), so a port in use and a
 * forbidden port look alike.
 */
export function listenRefused(error: Error, wanted: Address, peer: Peer): PorthopError {
  return new PorthopError("forward.refused", `the server ${nameOf(peer)} did not listen on ${formatAddress(wanted)}`, {
    leg: 1,
    hint: isUnix(wanted) ? unixHint : tcpHint(wanted.port),
    cause: error,
  });
}

const unixHint =
  "it does not say why: a file that is there already (remove it, or StreamLocalBindUnlink yes in its sshd_config), a folder that its user may not write to, or AllowStreamLocalForwarding or DisableForwarding";

function tcpHint(port: number): string {
  const forbidden = "AllowTcpForwarding, PermitListen, DisableForwarding or a key restriction";
  if (port === 0) return `it does not say why: any port would have done, so it is forbidden by ${forbidden}`;
  const low = port < 1024 ? ", or it needs root there (a port below 1024)" : "";
  return `it does not say why: the port is taken (there, "ss -ltn" shows it, and port 0 gets a free one), or it is forbidden by ${forbidden}${low}`;
}

/** How to refuse a channel that the server wants to open: a reason of RFC 4254, section 5.1, and a few words. */
export interface OpenRefusal {
  readonly reason: 1 | 2 | 4;
  readonly text: string;
}

/** Tells the server little about this machine. The words are sshd's own for such a case. */
export function openRefusal({ code, cause }: PorthopError): OpenRefusal {
  const errno = errnoOf(cause);
  if (errno === "EMFILE" || errno === "ENFILE") return { reason: 4, text: describe(cause) };
  if (code === "target.refused") return { reason: 2, text: "Connection refused" };
  if (unreachableCodes.has(code))
    return { reason: 2, text: errno === undefined ? "Connection failed" : describe(cause) };
  return { reason: 1, text: "open failed" };
}

const unreachableCodes: ReadonlySet<ErrorCode> = new Set(["target.unreachable", "host.not-found"]);
