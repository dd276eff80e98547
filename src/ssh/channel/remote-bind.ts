/**
 * Finds out where the server really listens for a remote forward. sshd may ignore the bind address (GatewayPorts). sshd
 * sends a message when it listens on more addresses than asked. When sshd listens on loopback only, it sends nothing,
 * so the server's sockets are looked at.
 */
import { formatAddress, isLoopback, type TcpAddress } from "../../codec/address.ts";
import { portTableCommand, readListening } from "../../codec/capture/socket-table.ts";
import { ipBytes } from "../../codec/ip-bytes.ts";
import type { CommandGate } from "./command-gate.ts";

export interface Bound {
  /** Where the server listens, as far as porthop can know. */
  readonly addresses: readonly [TcpAddress, ...TcpAddress[]];
  readonly remarks: readonly string[];
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
 * `wanted` has the true port. `overridden` says that sshd has sent the message above. The server is asked for its
 * sockets only in case of doubt. Never rejects.
 */
export async function whereBound(
  gate: Pick<CommandGate, "output">,
  wanted: TcpAddress,
  overridden: boolean,
): Promise<Bound> {
  const { port } = wanted;
  const asked = formatAddress(wanted);
  if (overridden) {
    const why = `its sshd_config says "GatewayPorts yes"; "GatewayPorts clientspecified" would heed the bind address`;
    const remark = `others can connect to it: the server listens on all its addresses and not only on ${asked}, for ${why}`;
    return { addresses: [{ host: "*", port }], remarks: [remark] };
  }
  // sshd never changes these addresses.
  if (["localhost", "127.0.0.1", "::1"].includes(wanted.host)) return { addresses: [wanted], remarks: [] };
  const table = await gate.output(portTableCommand(port));
  const hosts = readListening(table?.split("\n") ?? [], port);
  const [first, ...others] = hosts.map((host) => ({ host, port }));
  if (first !== undefined && hosts.every(isLoopback) && !hosts.some((host) => isSameAddress(host, wanted.host))) {
    const places = hosts.map((host) => formatAddress({ host, port })).join(" and ");
    const why = `its sshd_config says "GatewayPorts no", the default; "GatewayPorts clientspecified" would heed the bind address`;
    const remark = `only the server itself can connect to it: it listens on ${places} and not on ${asked}, for ${why}`;
    return { addresses: [first, ...others], remarks: [remark] };
  }
  if (isLoopback(wanted.host)) return { addresses: [wanted], remarks: [] };
  const doubt =
    first !== undefined
      ? ""
      : `, unless its sshd_config says "GatewayPorts no", the default, with which it listens on loopback only; "GatewayPorts clientspecified" heeds the bind address`;
  return { addresses: [wanted], remarks: [`others can connect to it: the server listens on ${asked}${doubt}`] };
}

/** Compares bytes, because one address has several spellings. */
function isSameAddress(one: string, other: string): boolean {
  const bytes = ipBytes(one);
  return bytes !== undefined && bytes.join() === ipBytes(other)?.join();
}
