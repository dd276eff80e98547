/**
 * The listener of a forward on this machine: TCP with --allow-from, a unix socket, or stdin and stdout. A listener that
 * other machines can reach gets a remark about that, unless --allow-from says who may connect.
 */
import { type Address, isLoopback, isUnix } from "../codec/address.ts";
import type { Network } from "../codec/cidr.ts";
import type { Forward } from "../config/forward.ts";
import { PorthopError } from "../errors.ts";
import type { Accept, Listener } from "../flow/conn.ts";
import type { Telling } from "../flow/telling.ts";
import { AllowFrom } from "../io/allow-from.ts";
import { listenTcp } from "../io/listen.ts";
import { listenUnix, type UnixListenOptions } from "../io/listen-unix.ts";
import { listenStdio, type StandardStreams } from "../io/stdio.ts";
import { openProxyRemark } from "./proxy-target.ts";

export interface HereOptions {
  /** The only address family to use; undefined for both. */
  readonly family: 4 | 6 | undefined;
  /** The networks that may connect by TCP; everybody when left out. */
  readonly allowFrom?: readonly Network[] | undefined;
  readonly unix: Omit<UnixListenOptions, "room">;
  /** The stdin and stdout of this program, for -W. */
  readonly streams?: StandardStreams | undefined;
  readonly telling: Pick<Telling, "loggerFor">;
}

export async function listenHere(
  { id, kind, listen }: Forward,
  accept: Accept,
  { family, allowFrom, unix, streams, telling }: HereOptions,
): Promise<Listener> {
  if (listen === undefined) {
    if (streams === undefined) throw new PorthopError("internal", `the forward ${id} has no stdin and stdout`);
    return listenStdio(streams, accept);
  }
  const warn = (text: string) => telling.loggerFor().warn(text);
  const room = { dials: kind === "relay", warn };
  if (isUnix(listen)) return listenUnix(listen, accept, { ...unix, room });
  if (allowFrom !== undefined) {
    const gate = new AllowFrom(allowFrom, (text) => warn(`${id}: ${text}`));
    return listenTcp(listen, (inbound) => gate.admits(inbound) && accept(inbound), { family, room });
  }
  const listener = await listenTcp(listen, accept, { family, room });
  const remark = (kind === "dynamic" ? openProxyRemark : openRemark)(listener.addresses);
  return remark === undefined ? listener : { ...listener, remarks: [remark] };
}

function openRemark(addresses: readonly Address[]): string | undefined {
  const isOpen = addresses.some((address) => !isUnix(address) && !isLoopback(address.host));
  if (!isOpen) return undefined;
  return "open to the network: anyone who reaches this machine may use it; --allow-from restricts it";
}
