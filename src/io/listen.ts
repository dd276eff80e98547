/**
 * TCP listeners. One forward may need two sockets: like ssh (channels.c, channel_setup_fwd_listener_tcpip), `localhost`
 * means 127.0.0.1 and ::1, and `*` means every IPv4 and every IPv6 address.
 * Unlike in ssh, a port that is taken on one of the two is an error: half a listener sends clients to another program.
 */
import { lookup } from "node:dns/promises";
import { createServer, isIP, type Server, type Socket } from "node:net";
import { type Address, formatAddress, plainHost, type TcpAddress } from "../codec/address.ts";
import { PorthopError } from "../errors.ts";
import type { Accept, Listener } from "../flow/conn.ts";
import { Doorway, type Room } from "./doorway.ts";
import { portHolder } from "./port-holder.ts";
import { socketEnds } from "./socket-conn.ts";
import { describe, errnoOf } from "./socket-failure.ts";

export interface ListenOptions {
  /** 4 or 6 keeps to one family (ssh's -4 and -6). */
  readonly family?: 4 | 6 | undefined;
  readonly room?: Room | undefined;
}

export interface TcpListener extends Listener {
  readonly addresses: readonly [TcpAddress, ...TcpAddress[]];
}

export async function listenTcp(
  wanted: TcpAddress,
  onInbound: Accept,
  options: ListenOptions = {},
): Promise<TcpListener> {
  const servers: Server[] = [];
  const addresses: TcpAddress[] = [];
  const doorway = new Doorway(options.room, onInbound);
  const close = async () => {
    doorway.close();
    await Promise.all(servers.map(closeServer));
  };
  let missing: unknown;
  for (const host of await bindHosts(wanted, options.family)) {
    try {
      const server = await bind(host, addresses[0]?.port ?? wanted.port, doorway);
      servers.push(server);
      addresses.push({ host, port: boundPort(server) });
    } catch (error) {
      // A machine without this address family is no failure while another address is served.
      if (isAddressMissing(error)) {
        missing ??= error;
        continue;
      }
      // Close first: the search for the port's holder must not find this process.
      await close();
      const both = host === "::" ? await bindBoth(addresses[0], doorway) : undefined;
      if (both !== undefined) {
        servers.splice(0, servers.length, both);
        addresses.push({ host, port: boundPort(both) });
        continue;
      }
      throw listenFailure(error, { host, port: wanted.port });
    }
  }
  const [first, ...others] = addresses;
  if (first === undefined) throw listenFailure(missing, wanted);
  doorway.open();
  return { addresses: [first, ...others], close };
}

async function bindHosts(wanted: TcpAddress, family: 4 | 6 | undefined): Promise<readonly string[]> {
  const { host } = wanted;
  const pair = Object.hasOwn(pairs, host) ? pairs[host] : undefined;
  if (pair === undefined) return isIP(host) === 0 ? resolve(wanted, family) : [host];
  if (family === 4) return [pair[0]];
  if (family === 6) return [pair[1]];
  return pair;
}

/** Looks the name up before listen(), because Bun's listen() does not say that the name is what failed. */
async function resolve(wanted: TcpAddress, family: 4 | 6 | undefined): Promise<readonly string[]> {
  try {
    const found = await lookup(wanted.host, { all: true, family: family ?? 0 });
    return found.map((each) => each.address);
  } catch (error) {
    const where = formatAddress(wanted);
    throw new PorthopError("host.not-found", `cannot listen on ${where}: the name does not resolve`, {
      leg: 1,
      cause: error,
    });
  }
}

const pairs: Readonly<Record<string, readonly [string, string]>> = {
  localhost: ["127.0.0.1", "::1"],
  "*": ["0.0.0.0", "::"],
};

/**
 * Deno 2.9 ignores ipv6Only, so that :: collides with our own 0.0.0.0: under Deno one socket has to serve both
 * families. Undefined when another program has the port in one of the families.
 */
function bindBoth(ipv4: TcpAddress | undefined, doorway: Doorway): Promise<Server | undefined> {
  if (ipv4 === undefined) return Promise.resolve(undefined);
  return bind("::", ipv4.port, doorway, { ipv6Only: false }).catch(() => undefined);
}

async function bind(
  host: string,
  port: number,
  doorway: Doorway,
  { ipv6Only } = { ipv6Only: host === "::" },
): Promise<Server> {
  // Half-close needs allowHalfOpen. Bytes that come before the dial are read ahead, up to the conn's limit.
  const server = createServer({ allowHalfOpen: true }, (socket) => accept(socket, doorway, local));
  let local: Address | undefined;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 128, ipv6Only }, () => {
      server.removeListener("error", reject);
      local = onlyAddress(server);
      resolve();
    });
  });
  return server;
}

function accept(socket: Socket, doorway: Doorway, local: Address | undefined): void {
  const ends = socketEnds(socket, local);
  // The client left before its connection was accepted here.
  if (ends === undefined) socket.destroy();
  else doorway.came(socket, ends.remote, { from: ends.remote, to: ends.local, observed: true });
}

/** Where all its clients arrive; undefined when it listens on every address, so that each client has to be asked. */
function onlyAddress(server: Server): Address | undefined {
  const bound = server.address();
  if (bound === null || typeof bound === "string") return undefined;
  const host = plainHost(bound.address);
  return host === "0.0.0.0" || host === "::" ? undefined : { host, port: bound.port };
}

function boundPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}

function closeServer(server: Server): Promise<void> {
  // For Node, a server is open as long as its accepted connections are, and those go on: nobody waits for its end.
  return new Promise((resolve) => {
    server.close();
    resolve();
  });
}

function isAddressMissing(error: unknown): boolean {
  const errno = errnoOf(error);
  // Deno 2.9 says EINVAL for EADDRNOTAVAIL; bind(2) itself has no EINVAL for a fresh socket.
  return errno === "EAFNOSUPPORT" || errno === "EADDRNOTAVAIL" || errno === "EINVAL";
}

function listenFailure(error: unknown, address: Address & TcpAddress): PorthopError {
  const where = formatAddress(address);
  switch (errnoOf(error)) {
    case "EADDRINUSE": {
      const holder = portHolder(address.port);
      const by = holder === undefined ? "" : ` by ${holder.program} (pid ${holder.pid})`;
      return new PorthopError("listen.in-use", `cannot listen on ${where}: already in use${by}`, {
        leg: 1,
        hint: `pick another port, for example ${nextPort(address.port)}, or stop that program`,
        cause: error,
      });
    }
    case "EACCES":
    case "EPERM":
      return new PorthopError("listen.denied", `cannot listen on ${where}: permission denied`, {
        leg: 1,
        hint: "ports below 1024 belong to root; pick a higher one, or run with the rights",
        cause: error,
      });
    case "EAFNOSUPPORT":
    case "EADDRNOTAVAIL":
    case "EINVAL":
      return new PorthopError("listen.denied", `cannot listen on ${where}: this machine has no such address`, {
        leg: 1,
        hint: "use an address of this machine, localhost, or * for all",
        cause: error,
      });
    default:
      return new PorthopError("listen.denied", `cannot listen on ${where}: ${describe(error)}`, {
        leg: 1,
        cause: error,
      });
  }
}

function nextPort(port: number): number {
  return port < 65535 ? port + 1 : port - 1;
}
