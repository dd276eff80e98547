/**
 * A listener on a unix socket. The socket's file has the wanted rights from its first moment, so that nobody else can
 * connect before. At the end the file is removed if it is still ours: a file of another program is never touched.
 */
import { type BigIntStats, lstatSync, unlinkSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname } from "node:path";
import type { UnixAddress } from "../codec/address.ts";
import { PorthopError } from "../errors.ts";
import type { Accept, Listener } from "../flow/conn.ts";
import { visible } from "../text/terminal-text.ts";
import { connectUnix } from "./dial.ts";
import { Doorway, type Room } from "./doorway.ts";
import { unixHolder } from "./port-holder.ts";
import { describe, errnoOf } from "./socket-failure.ts";

export interface UnixListenOptions {
  /** StreamLocalBindMask: the rights that the file does not get. */
  readonly mask: number;
  /** StreamLocalBindUnlink: removes a socket that is there already. */
  readonly unlink?: boolean | undefined;
  readonly room?: Room | undefined;
}

/** How long a program that has the socket may take to answer, before it is taken for one that listens. */
const probeMs = 1000;

export async function listenUnix(
  wanted: UnixAddress,
  onInbound: Accept,
  options: UnixListenOptions,
): Promise<Listener> {
  const { path } = wanted;
  if (options.unlink === true) removeSocket(path);
  let closed = false;
  const doorway = new Doorway(options.room, onInbound);
  // A client of a unix socket has no address: the listener's own path stands for the address.
  const leg = { from: wanted, to: wanted, observed: true };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (closed) socket.destroy();
    else doorway.came(socket, wanted, leg);
  });
  try {
    await bind(server, path, options.mask);
  } catch (error) {
    throw await listenFailure(error, path);
  }
  doorway.open();
  const own = look(path);
  return {
    addresses: [wanted],
    async close() {
      closed = true;
      doorway.close();
      // server.close() removes any file at the path. If the file is not ours, no client can reach our socket anyway.
      if (isSame(own, look(path))) server.close();
      else server.unref();
    },
  };
}

/**
 * The whole process has one umask. It is restored before other code can run, because bind(2) happens inside `listen`.
 */
function bind(server: Server, path: string, mask: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const before = process.umask(mask);
    try {
      server.listen({ path, backlog: 128 }, () => {
        server.removeListener("error", reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

function removeSocket(path: string): void {
  const file = look(path);
  // Any other file stays, and bind(2) fails: a mistyped path must not cost the user a file.
  if (file?.isSocket() !== true) return;
  try {
    unlinkSync(path);
  } catch (error) {
    throw denied(path, `the socket that is there cannot be removed: ${describe(error)}`, error);
  }
}

function look(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

function isSame(one: BigIntStats | undefined, other: BigIntStats | undefined): boolean {
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

async function listenFailure(error: unknown, path: string): Promise<PorthopError> {
  const file = look(path);
  if (file !== undefined) return inUse(path, file, error);
  const folder = look(dirname(path));
  if (folder === undefined) return denied(path, `there is no folder ${visible(dirname(path), 200)}`, error);
  return denied(path, describe(error), error);
}

async function inUse(path: string, file: BigIntStats, cause: unknown): Promise<PorthopError> {
  const failure = (why: string, hint: string) =>
    new PorthopError("listen.in-use", `cannot listen on ${visible(path, 300)}: ${why}`, { leg: 1, hint, cause });
  if (!file.isSocket()) {
    return failure("a file that is no socket is there", "name another path, or move that file away yourself");
  }
  switch (await heard(path)) {
    case "a program": {
      const holder = unixHolder(path);
      const who = holder === undefined ? "another program" : `${holder.program} (pid ${holder.pid})`;
      return failure(`${who} listens there`, "name another path, or stop that program");
    }
    case "nobody":
      return failure(
        "a socket is left there on which nobody listens any more",
        "remove the file, or let -o StreamLocalBindUnlink=yes do it",
      );
    default:
      return failure("a socket is there already", "name another path, or use -o StreamLocalBindUnlink=yes");
  }
}

/** Whether a program answers at a socket, as far as a connection shows it. */
async function heard(path: string): Promise<"a program" | "nobody" | "unknown"> {
  try {
    const socket = await connectUnix(path, { timeoutMs: probeMs, signal: new AbortController().signal });
    socket.destroy();
    return "a program";
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ETIMEDOUT" || errno === "EAGAIN") return "a program";
    return errno === "ECONNREFUSED" ? "nobody" : "unknown";
  }
}

function denied(path: string, why: string, cause: unknown): PorthopError {
  return new PorthopError("listen.denied", `cannot listen on ${visible(path, 300)}: ${why}`, {
    leg: 1,
    hint: "name a path in a folder of this machine that you may write to",
    cause,
  });
}
