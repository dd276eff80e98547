/**
 * TCP connections to a host by name or address, and connections to unix sockets. Each address of a name is tried in
 * turn, as ssh does (sshconnect.c, ssh_connect_direct), and the error of the last one is what the user reads.
 */
import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { type Address, formatAddress, isUnix, type TcpAddress } from "../codec/address.ts";
import { PorthopError } from "../errors.ts";
import type { Cancel } from "../flow/conn.ts";
import { descriptors } from "./descriptors.ts";
import { describe, errnoOf } from "./socket-failure.ts";

export interface DialOptions {
  readonly family?: 4 | 6 | undefined;
  /** For each address that is tried; the system's own limit when left out. */
  readonly timeoutMs?: number | undefined;
  readonly signal: Cancel;
  /** Name or address of this machine that the connection is to come from; the system's choice when left out. */
  readonly from?: string | undefined;
  /** How a name becomes addresses; the system's way when left out. */
  readonly resolve?: typeof systemAddresses;
  /** Told what the host's name turned out to be, before the first address is tried. */
  readonly resolved?: (addresses: readonly string[]) => void;
}

/** The address that the connection was to come from is none that it can come from. */
export class SourceUnusable extends Error {}

/** Rejects with the raw error of the last address tried, or with host.not-found. */
export async function connectTcp(target: TcpAddress, options: DialOptions): Promise<Socket> {
  if (options.signal.aborted) throw options.signal.reason;
  const hosts = await unlessAborted(addressesOf(target.host, options), options.signal);
  options.resolved?.(hosts);
  let failure: unknown;
  for (const host of hosts) {
    try {
      const localAddress = await localAddressFor(host, options);
      return await connectOne({ host, port: target.port }, options, localAddress);
    } catch (error) {
      // That a host has addresses of another family too is no reason to hide what happened with this one.
      if (failure === undefined || !(error instanceof SourceUnusable)) failure = error;
      if (options.signal.aborted) break;
    }
  }
  throw failure;
}

/** Rejects with the raw error. */
export function connectUnix(path: string, options: Pick<DialOptions, "timeoutMs" | "signal">): Promise<Socket> {
  return options.signal.aborted ? Promise.reject(options.signal.reason) : connectOne({ path }, options);
}

/** A lookup cannot be stopped: after an abort it is left to itself. */
function unlessAborted<T>(work: Promise<T>, signal: Cancel): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

async function addressesOf(host: string, options: DialOptions): Promise<readonly string[]> {
  if (isIP(host) !== 0) {
    if (options.family === undefined || isIP(host) === options.family) return [host];
    throw new PorthopError("host.not-found", `${host} is no IPv${options.family} address, and only such are wanted`, {
      hint: "leave out -4, -6 or AddressFamily, or name an address of that family",
    });
  }
  try {
    return await (options.resolve ?? systemAddresses)(host, options.family);
  } catch (error) {
    // Of that the lookup says no word: to it there are no files, and no name servers.
    if (!descriptors.hasRoom()) throw noDescriptor();
    throw new PorthopError("host.not-found", `cannot find the host ${host}: the name does not resolve`, {
      cause: error,
    });
  }
}

/** One of the family of `host`: sshconnect.c, ssh_create_socket. Bun would pass over one of the other family. */
async function localAddressFor(host: string, options: DialOptions): Promise<string | undefined> {
  const { from, signal } = options;
  if (from === undefined) return undefined;
  const family = isIP(host) === 6 ? 6 : 4;
  if (isIP(from) === family) return from;
  const found = isIP(from) === 0 ? await unlessAborted(addressesOrNone(from, family, options), signal) : [];
  const [address] = found;
  if (address === undefined) throw new SourceUnusable(`cannot connect from ${from}: it is no IPv${family} address`);
  return address;
}

function addressesOrNone(name: string, family: 4 | 6, options: DialOptions): Promise<readonly string[]> {
  return (options.resolve ?? systemAddresses)(name, family).catch(() => []);
}

/** It opens files and sockets for a moment. Where it found no descriptor for them it only says that there is no such name. */
async function lookupOrAgain(host: string, family: 4 | 6 | undefined, tries: number): Promise<LookupAddress[]> {
  const from = performance.now();
  try {
    return await descriptors.lend(() => lookup(host, { all: true, family: family ?? 0 }));
  } catch (error) {
    if (tries === 0 || !descriptors.wasFullSince(from)) throw error;
    return lookupOrAgain(host, family, tries - 1);
  }
}

async function systemAddresses(host: string, family: 4 | 6 | undefined): Promise<readonly string[]> {
  const found = await lookupOrAgain(host, family, 3);
  return found.map((each) => each.address);
}

function connectOne(
  address: Address,
  options: Pick<DialOptions, "timeoutMs" | "signal">,
  localAddress?: string | undefined,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const from = localAddress === undefined || isUnix(address) ? {} : { localAddress };
    if (!descriptors.dialing()) {
      reject(noDescriptor());
      return;
    }
    const socket = connect({ ...address, ...from, allowHalfOpen: true });
    socket.once("close", () => descriptors.freed());
    descriptors.dialed();
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => fail(timeout(address, options.timeoutMs ?? 0)), options.timeoutMs);
    const onAbort = () => fail(options.signal.reason);
    const settle = () => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", fail);
    };
    const fail = (error: unknown) => {
      settle();
      // A second error of a socket that is given up is nobody's business.
      socket.on("error", () => {});
      socket.destroy();
      reject(localAddress === undefined ? error : sourceFailure(error, localAddress));
    };
    socket.once("error", fail);
    socket.once("connect", () => {
      settle();
      resolve(socket);
    });
    if (options.signal.aborted) onAbort();
    else options.signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Bun and Node say EADDRNOTAVAIL, Deno EINVAL, to an address that is not of this machine. */
function sourceFailure(error: unknown, localAddress: string): unknown {
  const code = errnoOf(error) ?? "";
  if (code !== "EADDRNOTAVAIL" && code !== "EINVAL") return error;
  return new SourceUnusable(`cannot connect from ${localAddress}: ${describe({ code: "EADDRNOTAVAIL" })}`);
}

function noDescriptor(): Error {
  return Object.assign(new Error("too many open files"), { code: "EMFILE" });
}

function timeout(address: Address, timeoutMs: number): Error {
  return Object.assign(new Error(`${formatAddress(address)} did not answer within ${timeoutMs / 1000} s`), {
    code: "ETIMEDOUT",
  });
}
