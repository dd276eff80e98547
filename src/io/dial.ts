/**
 * TCP connections to a host by name or address. Each address of the name is tried in turn, as ssh does
 * (sshconnect.c, ssh_connect_direct), and the error of the last one is what the user reads.
 */
import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { formatAddress, type TcpAddress } from "../codec/address.ts";
import { PorthopError } from "../errors.ts";

export interface DialOptions {
  readonly family?: 4 | 6 | undefined;
  /** For each address that is tried; the system's own limit when left out. */
  readonly timeoutMs?: number | undefined;
  readonly signal: AbortSignal;
  /** How a name becomes addresses; the system's way when left out. */
  readonly resolve?: typeof systemAddresses;
}

/** Rejects with the raw error of the last address tried, or with host.not-found. */
export async function connectTcp(target: TcpAddress, options: DialOptions): Promise<Socket> {
  options.signal.throwIfAborted();
  const hosts = await unlessAborted(addressesOf(target.host, options), options.signal);
  let failure: unknown;
  for (const host of hosts) {
    try {
      return await connectOne({ host, port: target.port }, options);
    } catch (error) {
      failure = error;
      if (options.signal.aborted) break;
    }
  }
  throw failure;
}

/** A lookup cannot be stopped: after an abort it is left to itself. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

async function addressesOf(host: string, options: DialOptions): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return await (options.resolve ?? systemAddresses)(host, options.family);
  } catch (error) {
    throw new PorthopError("host.not-found", `cannot find the host ${host}: the name does not resolve`, {
      cause: error,
    });
  }
}

async function systemAddresses(host: string, family: 4 | 6 | undefined): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, family: family ?? 0 });
  return found.map((each) => each.address);
}

function connectOne(address: TcpAddress, options: DialOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.host, port: address.port, allowHalfOpen: true });
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
      reject(error);
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

function timeout(address: TcpAddress, timeoutMs: number): Error {
  return Object.assign(new Error(`${formatAddress(address)} did not answer within ${timeoutMs / 1000} s`), {
    code: "ETIMEDOUT",
  });
}
