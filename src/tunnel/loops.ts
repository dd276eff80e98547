/**
 * Forwards whose connections come back to themselves. A loop is told only where the words leave no doubt that both ends
 * are on one machine: a relay, an sshd on port 22 of this machine, or a -L and a -R that connect to each other.
 */
import { type Address, formatAddress, isLoopback, isUnix } from "../codec/address.ts";

/** The two ends of a forward, with the name of the forward. */
export interface NamedEnds {
  /** L1, R1, D1 ... */
  readonly id: string;
  readonly side: "here" | "server";
  readonly listen: Address | undefined;
  readonly connect: Address | undefined;
}

export interface Loop {
  readonly forward: string;
  readonly text: string;
}

/** `isOneMachine`: the server is this machine, or there is no server at all. */
export function loopsIn(forwards: readonly NamedEnds[], isOneMachine: boolean): readonly Loop[] {
  if (isOneMachine) return forwards.filter(({ listen, connect }) => takes(listen, connect)).map(ownLoop);
  const there = forwards.filter(({ side }) => side === "server");
  return forwards.flatMap((forward) => {
    if (forward.side !== "here") return [];
    const back = there.find(({ listen, connect }) => takes(forward.listen, connect) && takes(listen, forward.connect));
    return back === undefined ? [] : [{ forward: forward.id, text: circle(back.id) }];
  });
}

/**
 * Whether an address of sshd is one of this machine. On another port of the loopback sshd is often that of a container
 * or of a virtual machine, which have a localhost of their own. `here` has the names of this machine.
 */
export function isThisMachine({ host, port }: { host: string; port: number }, here: readonly string[]): boolean {
  if (port !== 22) return false;
  return isLoopback(host) || here.some((name) => name.toLowerCase() === host.toLowerCase());
}

function ownLoop({ id, connect }: NamedEnds): Loop {
  const where = connect === undefined ? "" : formatAddress(connect);
  return {
    forward: id,
    text: `${where} is where it listens itself: each connection comes back to it, again and again`,
  };
}

function circle(back: string): string {
  return `it connects to what ${back} listens on, and ${back} connects back: each connection goes round and round`;
}

/** Whether a listener takes what its own machine connects to. */
function takes(listen: Address | undefined, connect: Address | undefined): boolean {
  if (listen === undefined || connect === undefined) return false;
  if (isUnix(listen) || isUnix(connect)) return isUnix(listen) && isUnix(connect) && listen.path === connect.path;
  if (listen.port !== connect.port || !isLoopback(connect.host)) return false;
  if (listen.host === "*" || listen.host === "0.0.0.0" || listen.host === "::") return true;
  const own = addressesOf(listen.host);
  return addressesOf(connect.host).some((address) => own.includes(address));
}

/** `localhost` stands for both of its addresses. The other addresses of 127.0.0.0/8 are listeners of their own. */
function addressesOf(host: string): readonly string[] {
  return host === "localhost" ? ["127.0.0.1", "::1"] : [host];
}
