/**
 * Dials targets from this machine: leg 3 of a remote forward and of a relay. The error says what is wrong, and that
 * this machine dialed: a user of ssh would otherwise search on the server.
 */
import { accessSync, constants, type Stats, statSync } from "node:fs";
import { type Address, formatAddress, isUnix, type TcpAddress, type UnixAddress } from "../codec/address.ts";
import { PorthopError } from "../errors.ts";
import type { Cancel, Dialed, Dialer } from "../flow/conn.ts";
import { visible } from "../text/terminal-text.ts";
import { connectTcp, connectUnix } from "./dial.ts";
import { socketConn, socketEnds } from "./socket-conn.ts";
import { describe, errnoOf } from "./socket-failure.ts";

export interface HereDialerOptions {
  /** 4 or 6 keeps to one family (ssh's -4 and -6). */
  readonly family?: 4 | 6 | undefined;
  /** The limit for each address that is tried; the system's own limit when left out. */
  readonly timeoutMs?: number | undefined;
}

export function hereDialer(options: HereDialerOptions): Dialer {
  return {
    dial: (target, _origin, signal) =>
      isUnix(target) ? dialUnix(target, options, signal) : dialTcp(target, options, signal),
  };
}

async function dialTcp(target: TcpAddress, options: HereDialerOptions, signal: Cancel): Promise<Dialed> {
  try {
    const socket = await connectTcp(target, { ...options, signal });
    const ends = socketEnds(socket);
    if (ends === undefined) throw new Error("the connection was closed at once");
    return {
      conn: socketConn(socket, 3, ends.remote),
      leg: { from: ends.local, to: ends.remote, observed: true },
    };
  } catch (error) {
    throw signal.aborted ? signal.reason : tcpFailure(error, target);
  }
}

async function dialUnix(target: UnixAddress, options: HereDialerOptions, signal: Cancel): Promise<Dialed> {
  try {
    const socket = await connectUnix(target.path, { timeoutMs: options.timeoutMs, signal });
    // Our own end of a unix socket has no name: the path of the socket stands for both ends.
    return { conn: socketConn(socket, 3, target), leg: { from: target, to: target, observed: true } };
  } catch (error) {
    throw signal.aborted ? signal.reason : unixFailure(error, target);
  }
}

function tcpFailure(error: unknown, target: TcpAddress): PorthopError {
  if (error instanceof PorthopError && error.code === "host.not-found") {
    return new PorthopError("target.unreachable", `${named(target)} cannot be reached from here: unknown name`, {
      leg: 3,
      hint: "this machine looks the name up, not the server: check the spelling, or use the IP address",
      cause: error,
    });
  }
  if (errnoOf(error) === "ECONNREFUSED") {
    return new PorthopError("target.refused", `${named(target)} refused the connection from here`, {
      leg: 3,
      hint: "this machine dialed it, and nothing listens there: check the target's address and port",
      cause: error,
    });
  }
  return new PorthopError("target.unreachable", `${named(target)} cannot be reached from here: ${describe(error)}`, {
    leg: 3,
    hint:
      errnoOf(error) === "EMFILE"
        ? fewFilesHint
        : "this machine dialed it: check the address, the route and any firewall in between",
    cause: error,
  });
}

const fewFilesHint = "porthop may open no more files and sockets: allow it more (ulimit -n), or wait until others end";

/** Of the reasons, Bun reports only ENOENT; ENOTDIR and EACCES come as ECONNREFUSED. So the file itself is examined. */
function unixFailure(error: unknown, target: UnixAddress): PorthopError {
  const where = named(target);
  const failure = (why: string, hint: string) =>
    new PorthopError("target.unreachable", `${where} cannot be reached from here: ${why}`, {
      leg: 3,
      hint,
      cause: error,
    });
  if (errnoOf(error) === "EMFILE") return failure(describe(error), fewFilesHint);
  const file = look(target.path);
  if (!("mode" in file)) return failure(file.why, "this machine dialed it: check the path, and that its program runs");
  if (!file.isSocket()) return failure("it is no socket", "name the socket that the program listens on");
  if (errnoOf(error) !== "ECONNREFUSED" && errnoOf(error) !== "EACCES") {
    return failure(describe(error), "this machine dialed it: check the program that listens there");
  }
  if (!mayWrite(target.path)) return failure("permission denied", "whoever connects needs the right to write to it");
  return new PorthopError("target.refused", `${where} refused the connection from here`, {
    leg: 3,
    hint: "the socket's file is there, and no program listens on it any more: start that program",
    cause: error,
  });
}

function look(path: string): Stats | { readonly why: string } {
  try {
    return statSync(path);
  } catch (error) {
    return { why: describe(error) };
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function named(target: Address): string {
  return visible(formatAddress(target), 300);
}
