/**
 * The three ways to reach an sshd: a TCP connection, a channel of the session with the jump host before, and the stdin
 * and stdout of a ProxyCommand. In all three, the error says that this host could not be reached, and why.
 */
import { formatAddress, type TcpAddress } from "../codec/address.ts";
import { PorthopError } from "../errors.ts";
import type { TellProgress } from "../flow/event.ts";
import { pause } from "../io/after.ts";
import { connectTcp, type DialOptions } from "../io/dial.ts";
import { type Program, startProgram } from "../io/program.ts";
import { socketEnds } from "../io/socket-conn.ts";
import { visible } from "../text/terminal-text.ts";
import { unreachableThrough } from "./jump-failure.ts";
import { type Peer, unreachable } from "./ssh-failure.ts";
import type { SessionStep, Transport } from "./transport.ts";

export interface DialSettings extends Peer {
  readonly family?: 4 | 6 | undefined;
  /** ConnectTimeout: for each address that is tried. */
  readonly connectTimeoutMs: number | undefined;
  /** BindAddress, for a TCP connection that this machine makes. */
  readonly from?: string | undefined;
  /** BindInterface, where there is no BindAddress. */
  readonly fromInterface?: string | undefined;
  /** ConnectionAttempts: for that connection too. */
  readonly attempts: number;
  /** TCPKeepAlive, the system's probes on that connection; none when left out. */
  readonly tcpKeepAlive?: boolean | undefined;
}

/** The pause between attempts (sshconnect.c, ssh_connect_direct). */
const retryMs = 1000;

/** Makes the connection under a session. */
export type DialSshd = (settings: DialSettings, signal: AbortSignal, tell?: TellProgress) => Promise<Transport>;

export const dialDirectly: DialSshd = async (settings, signal, tell) => {
  const { family, from, fromInterface, connectTimeoutMs: timeoutMs } = settings;
  const resolved = (addresses: readonly string[]) => tell?.({ done: "name", addresses });
  const socket = await connectPatiently(settings, { family, from, fromInterface, timeoutMs, signal, resolved });
  const ends = socketEnds(socket);
  if (ends === undefined) throw unreachable(new Error("the connection was closed at once"), settings);
  socket.setNoDelay(true);
  socket.setKeepAlive(settings.tcpKeepAlive === true);
  return { stream: socket, hop: 1, ...ends, observed: true, goneBy: () => undefined, release: async () => {} };
};

/**
 * Only a failed connection is tried again. A name that does not resolve will not resolve a second later, and an abort
 * is the user's wish.
 */
async function connectPatiently(settings: DialSettings, options: DialOptions & { readonly signal: AbortSignal }) {
  for (let left = settings.attempts - 1; ; left--) {
    try {
      return await connectTcp(settings, options);
    } catch (error) {
      if (left === 0 || error instanceof PorthopError || options.signal.aborted) throw unreachable(error, settings);
    }
    await pause(retryMs, options.signal);
    options.signal.throwIfAborted();
  }
}

/** What is used of the session with a jump host. */
export interface Jump {
  readonly peer: Peer;
  readonly hop: number;
  readonly goneBy: PorthopError | undefined;
  openStream(target: TcpAddress, signal: AbortSignal): Promise<Transport["stream"]>;
}

/** The jump host makes the TCP connection. Only the jump host knows its own address. */
export function dialThrough(jump: Jump): DialSshd {
  return async (settings, signal) => {
    const remote = { host: settings.host, port: settings.port };
    const deadline = deadlineAfter(settings.connectTimeoutMs, signal);
    const opening = jump.openStream(remote, deadline.signal).finally(deadline.clear);
    const stream = await opening.catch((error: unknown) => {
      throw error === signal.reason ? error : unreachableThrough(error, settings, jump.peer);
    });
    return {
      stream,
      hop: jump.hop + 1,
      local: undefined,
      remote,
      observed: false,
      goneBy: () => jump.goneBy,
      release: async () => {},
    };
  };
}

/** The tokens in `command` are already filled in. */
export function dialByCommand(
  command: string,
  environment: NodeJS.ProcessEnv,
  debug?: (text: string) => void,
): DialSshd {
  return async (settings, signal) => {
    if (signal.aborted) throw signal.reason;
    const program = await startProgram(command, environment, debug).catch((error: unknown) => {
      throw unreachable(error, settings);
    });
    return {
      stream: program.stream,
      hop: 1,
      local: undefined,
      remote: undefined,
      observed: false,
      goneBy: (step, said) => commandFailed(program, command, settings, { step, said }),
      release: () => program.end(),
    };
  };
}

/** Undefined for a command that has done its work: it runs, or ended well after the server's greeting. */
function commandFailed(
  { outcome }: Program,
  command: string,
  peer: Peer,
  { step, said }: { readonly step: SessionStep; readonly said: string | undefined },
): PorthopError | undefined {
  const shown = visible(command, 200);
  if (step === "session" && outcome !== undefined) {
    const text = `lost the session with ${formatAddress(peer)}: the ProxyCommand ended ${outcome}: ${shown}`;
    return new PorthopError("ssh.lost", text, { leg: 2 });
  }
  const isDone = outcome === undefined ? said === undefined : step === "login" && outcome === "with code 0";
  if (isDone) return undefined;
  const did = [
    ...(said === undefined ? [] : [`printed ${said} and no SSH greeting`]),
    ...(outcome === undefined ? [] : [`ended ${outcome}`]),
  ];
  const text = `cannot reach sshd at ${formatAddress(peer)}: the ProxyCommand ${did.join(", and ")}: ${shown}`;
  return new PorthopError("ssh.unreachable", text, {
    leg: 2,
    hint: "run the command by hand: the first that it prints must be an SSH server's greeting",
  });
}

/** A signal that fires with `signal`, or when the time is over. The reason is then an error with the code ETIMEDOUT. */
function deadlineAfter(timeoutMs: number | undefined, signal: AbortSignal) {
  const deadline = new AbortController();
  const pass = () => deadline.abort(signal.reason);
  if (signal.aborted) pass();
  signal.addEventListener("abort", pass, { once: true });
  const expire = () =>
    deadline.abort(Object.assign(new Error(`no answer within ${(timeoutMs ?? 0) / 1000} s`), { code: "ETIMEDOUT" }));
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
  const clear = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", pass);
  };
  return { signal: deadline.signal, clear };
}
