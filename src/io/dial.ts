/**
 * TCP connections to a host by name or address, and connections to unix sockets. A name is looked up for each
 * connection anew, and its addresses race (happy-eyeballs.ts). ssh tries them one after the other, each until the
 * system gives up (sshconnect.c, ssh_connect_direct): two minutes for one that is out of reach since the machine moved.
 */
import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { type Address, formatAddress, isUnix, type TcpAddress } from "../codec/address.ts";
import { PorthopError } from "../errors.ts";
import type { Cancel } from "../flow/conn.ts";
import { visible } from "../text/terminal-text.ts";
import { unlessAborted } from "./after.ts";
import { descriptors } from "./descriptors.ts";
import { firstConnected, inTurn } from "./happy-eyeballs.ts";
import { interfaceAddress } from "./interface-address.ts";
import { describe, errnoOf } from "./socket-failure.ts";

export interface DialOptions {
  readonly family?: 4 | 6 | undefined;
  /** The limit for each address that is tried; the system's own limit when left out. */
  readonly timeoutMs?: number | undefined;
  readonly signal: Cancel;
  /** A name or address of this machine that the connection must come from; the system's choice when left out. */
  readonly from?: string | undefined;
  /** An interface of this machine that the connection must come from, where `from` is left out. */
  readonly fromInterface?: string | undefined;
  /** Looks up the addresses of a name; the system's lookup when left out. */
  readonly resolve?: typeof systemAddresses;
  /** Called with the addresses of the host in the order in which they are tried, before the first one is. */
  readonly resolved?: (addresses: readonly string[]) => void;
  /** After how long the next address is tried beside one that has not answered; as RFC 8305 says when left out. */
  readonly attemptDelayMs?: number | undefined;
}

/** The connection cannot come from the address that `from` names. */
export class SourceUnusable extends Error {}

/** Rejects with the raw error of the last address, as ssh does, or with host.not-found. */
export async function connectTcp(target: TcpAddress, options: DialOptions): Promise<Socket> {
  if (options.signal.aborted) throw options.signal.reason;
  const found = await unlessAborted(addressesOf(target.host, options), options.signal);
  const hosts = inTurn(found);
  options.resolved?.(hosts);
  const connect = (host: string, signal: Cancel, isBeside: boolean) =>
    connectFrom({ host, port: target.port }, { ...options, signal }, isBeside);
  const [only] = hosts;
  if (only !== undefined && hosts.length === 1) return await connect(only, options.signal, false);
  return await firstConnected(hosts, {
    signal: options.signal,
    connect,
    discard,
    // One descriptor for the socket, and one so that the listeners do not run out of them because of it.
    mayAdd: () => descriptors.hasRoom(2),
    blame: lastThatCounts,
    delayMs: options.attemptDelayMs,
  });
}

/** Rejects with the raw error. */
export function connectUnix(path: string, options: Pick<DialOptions, "timeoutMs" | "signal">): Promise<Socket> {
  return options.signal.aborted ? Promise.reject(options.signal.reason) : connectOne({ path }, options);
}

async function connectFrom(address: TcpAddress, options: DialOptions, isBeside: boolean): Promise<Socket> {
  const localAddress = await localAddressFor(address.host, options);
  if (options.signal.aborted) throw options.signal.reason;
  return await connectOne(address, options, { localAddress, isBeside });
}

/** An address for which `from` has none of its family must not hide the error of an address that could be dialed. */
function lastThatCounts(failures: readonly unknown[]): unknown {
  return failures.findLast((error) => !(error instanceof SourceUnusable)) ?? failures[0];
}

/** Without a listener, a second error of a socket that nobody uses any more would end the process. */
function discard(socket: Socket): void {
  socket.on("error", () => {});
  socket.destroy();
}

async function addressesOf(host: string, options: DialOptions): Promise<readonly string[]> {
  if (isIP(host) !== 0) {
    if (options.family === undefined || isIP(host) === options.family) return [host];
    throw new PorthopError("host.not-found", `${host} is no IPv${options.family} address, and only such are wanted`, {
      hint: "leave out -4, -6 or AddressFamily, or name an address of that family",
    });
  }
  try {
    const found = await (options.resolve ?? systemAddresses)(host, options.family);
    if (found.length === 0) throw new Error("no address");
    return found;
  } catch (error) {
    // Without a free descriptor the lookup cannot open its files and sockets, and only says that there is no such name.
    if (!descriptors.hasRoom()) throw noDescriptor();
    throw new PorthopError("host.not-found", `cannot find the host ${host}: the name does not resolve`, {
      cause: error,
      ...(/[:/]/.test(host)
        ? { hint: "a Host of such a name needs a HostName or a ProxyCommand in ~/.ssh/config" }
        : {}),
    });
  }
}

/**
 * The address of `from` in the family of `host` (sshconnect.c, ssh_create_socket). Bun ignores one of another family.
 */
async function localAddressFor(host: string, options: DialOptions): Promise<string | undefined> {
  const { from, fromInterface, signal } = options;
  const family = isIP(host) === 6 ? 6 : 4;
  if (from === undefined) return fromInterface === undefined ? undefined : addressOfInterface(fromInterface, family);
  if (isIP(from) === family) return from;
  const found = isIP(from) === 0 ? await unlessAborted(addressesOrNone(from, family, options), signal) : [];
  const [address] = found;
  if (address === undefined) throw new SourceUnusable(`cannot connect from ${from}: it is no IPv${family} address`);
  return address;
}

function addressOfInterface(name: string, family: 4 | 6): string {
  const address = interfaceAddress(name, family);
  if (address !== undefined) return address;
  throw new SourceUnusable(`cannot connect from the interface ${visible(name, 80)}: it has no IPv${family} address`);
}

function addressesOrNone(name: string, family: 4 | 6, options: DialOptions): Promise<readonly string[]> {
  return (options.resolve ?? systemAddresses)(name, family).catch(() => []);
}

/**
 * Looks up again when no descriptor was free, because the lookup then only says that there is no such name. Without
 * `verbatim` Deno turns the system's order around.
 */
async function lookupOrAgain(host: string, family: 4 | 6 | undefined, tries: number): Promise<LookupAddress[]> {
  const from = performance.now();
  try {
    return await descriptors.lend(() => lookup(host, { all: true, verbatim: true, family: family ?? 0 }));
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
  { localAddress, isBeside }: { readonly localAddress?: string | undefined; readonly isBeside?: boolean } = {},
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const from = localAddress === undefined || isUnix(address) ? {} : { localAddress };
    // What was promised to a connection is one descriptor; an attempt beside another one takes none of the promised.
    if (isBeside === true ? !descriptors.hasRoom() : !descriptors.dialing()) {
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
      discard(socket);
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

/** For an address that this machine does not have, Bun and Node say EADDRNOTAVAIL, Deno says EINVAL. */
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
