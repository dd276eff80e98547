/**
 * Finds out where the server really listens for a remote forward. sshd may ignore the bind address (GatewayPorts), and
 * it says yes when it got only a part of the addresses. sshd sends a message when it listens on more addresses than
 * asked. All else is read from the server's table of sockets, before and after the request.
 */
import { formatAddress, isLoopback, type TcpAddress } from "../../codec/address.ts";
import { type ListeningRow, portTableCommand, readListening } from "../../codec/capture/socket-table.ts";
import { isSameAddress } from "../../codec/ip-bytes.ts";
import type { Listener } from "../../flow/conn.ts";
import type { CommandGate } from "./command-gate.ts";

export type Bound = Omit<Listener, "close"> & { readonly remarks: readonly string[] };

type Gate = Pick<CommandGate, "output">;

export interface BindContext {
  readonly gate: Gate;
  /** True for OpenSSH's sshd, which binds 127.0.0.1 and ::1 as they are asked for, or refuses. */
  readonly isOpenSsh: boolean;
}

/**
 * The bind address as ssh sends it (OpenSSH channels.c, channel_rfwd_bind_host). The empty text means all addresses.
 */
export function bindHost(host: string): string {
  return host === "*" ? "" : host;
}

/**
 * The bind address in sshd's message that it listens on other addresses (channels.c, channel_fwd_bind_addr); undefined
 * for other messages.
 */
export function overriddenBind(text: string): string | undefined {
  return /^Forwarding listen address "(.*)" overridden by server GatewayPorts$/.exec(text)?.[1];
}

/**
 * A remote forward that is about to be asked for. The sockets that listen already are noted, so that those of the
 * forward can be told from them: sshd's own process may not be looked into.
 */
export class RemoteBind {
  readonly #context: BindContext;
  readonly #wanted: TcpAddress;
  readonly #earlier: readonly ListeningRow[] | undefined;

  private constructor(context: BindContext, wanted: TcpAddress, earlier: readonly ListeningRow[] | undefined) {
    this.#context = context;
    this.#wanted = wanted;
    this.#earlier = earlier;
  }

  /** Call this before the request. Never rejects. */
  static async before(context: BindContext, wanted: TcpAddress): Promise<RemoteBind> {
    return new RemoteBind(context, wanted, await listeningRows(context.gate, wanted.port));
  }

  /**
   * Where the server listens. `port` is the true port. `overridden` says that sshd has sent the message above. Never
   * rejects.
   */
  async after(port: number, overridden: boolean): Promise<Bound> {
    const wanted = { ...this.#wanted, port };
    if (this.#context.isOpenSsh && isLiteralLoopback(wanted.host) && !overridden) {
      return { addresses: [wanted], remarks: [] };
    }
    const earlier = this.#earlier?.filter((row) => row.port === port);
    const now = earlier === undefined ? undefined : await listeningRows(this.#context.gate, port);
    const known = new Set(earlier?.map(({ inode }) => inode));
    const [first, ...others] = (now ?? []).filter((row) => row.port === port && !known.has(row.inode));
    return first === undefined || earlier === undefined
      ? unseen(wanted, overridden)
      : seen(wanted, [first, ...others], earlier, overridden);
  }
}

async function listeningRows(gate: Gate, port: number): Promise<readonly ListeningRow[] | undefined> {
  const table = await gate.output(portTableCommand(port));
  return table === undefined ? undefined : readListening(table.split("\n"));
}

/** Nobody looked, or the server has no such table: the addresses stay the server's secret. */
function unseen(wanted: TcpAddress, overridden: boolean): Bound {
  const isOpen = overridden || !isLoopback(wanted.host);
  const why = overridden
    ? `: its ${gatewayPortsYes}`
    : `, unless its sshd_config says "GatewayPorts no", the default, with which it listens on loopback only; "GatewayPorts clientspecified" heeds the bind address`;
  return { addresses: [wanted], isUnseen: true, remarks: isOpen ? [`others can connect to it${why}`] : [] };
}

function seen(
  wanted: TcpAddress,
  rows: readonly [ListeningRow, ...ListeningRow[]],
  earlier: readonly ListeningRow[],
  overridden: boolean,
): Bound {
  const hosts = rows.map(({ host }) => host);
  const addresses = shown(wanted, rows);
  const taken = takenParts(wanted.host, hosts, earlier);
  const places = addresses.map(formatAddress).join(" and ");
  const remarks = reach(wanted, hosts, places, overridden);
  if (taken.length === 0) return { addresses, remarks };
  // Several sockets of one program may share an address.
  const who = [...new Set(taken.map(({ host, port }) => formatAddress({ host, port })))].slice(0, 3).join(" and ");
  const partly = `the server listens on ${places} only, for ${who} was taken already: who connects there does not reach this forward; another port is the cure`;
  return { addresses, isPartial: true, remarks: [partly, ...remarks] };
}

/** Who can connect, where this is not what the bind address says. */
function reach(wanted: TcpAddress, hosts: readonly string[], places: string, overridden: boolean): readonly string[] {
  const asked = formatAddress(wanted);
  if (overridden) {
    return [
      `others can connect to it: the server listens on ${places} and not only on ${asked}, for its ${gatewayPortsYes}`,
    ];
  }
  if (wanted.host === "localhost" || isLiteralLoopback(wanted.host)) return [];
  if (hosts.every(isLoopback) && !hosts.some((host) => isSameAddress(host, wanted.host))) {
    return [
      `only the server itself can connect to it: it listens on ${places} and not on ${asked}, for its ${gatewayPortsNo}`,
    ];
  }
  return isLoopback(wanted.host) ? [] : [`others can connect to it: the server listens on ${places}`];
}

const gatewayPortsYes = `sshd_config says "GatewayPorts yes"; "GatewayPorts clientspecified" would heed the bind address`;
const gatewayPortsNo = `sshd_config says "GatewayPorts no", the default; "GatewayPorts clientspecified" would heed the bind address`;

/** The addresses as they were seen. All addresses of both families are one: `*`. */
function shown(wanted: TcpAddress, rows: readonly [ListeningRow, ...ListeningRow[]]): Bound["addresses"] {
  const { port } = wanted;
  const [first, ...others] = rows.map(({ host }) => ({ host, port })) as [TcpAddress, ...TcpAddress[]];
  const hosts = rows.map(({ host }) => host);
  return bothWildcards.every((host) => hosts.includes(host)) ? [{ host: "*", port }] : [first, ...others];
}

const bothLoopbacks = ["127.0.0.1", "::1"];
const bothWildcards = ["0.0.0.0", "::"];

/**
 * What kept the server from a part of its addresses. A family that the server just does not have is no such part:
 * nobody else gets these connections.
 */
function takenParts(
  wanted: string,
  hosts: readonly string[],
  earlier: readonly ListeningRow[],
): readonly ListeningRow[] {
  if (hosts.some((host) => isSameAddress(host, wanted))) return [];
  const whole = [bothLoopbacks, bothWildcards].find((both) => hosts.every((host) => both.includes(host))) ?? [];
  const missing = whole.filter((host) => !hosts.includes(host));
  return earlier.filter((row) => missing.some((host) => isInTheWay(row.host, host)));
}

/** As the kernel sees it: a socket on all addresses takes each one, and that of IPv6 mostly those of IPv4 too. */
function isInTheWay(taken: string, host: string): boolean {
  if (taken === host || taken === "::") return true;
  const isSameFamily = taken.includes(":") === host.includes(":");
  return isSameFamily && (bothWildcards.includes(taken) || bothWildcards.includes(host));
}

function isLiteralLoopback(host: string): boolean {
  return bothLoopbacks.includes(host);
}
