/** Tells whether a port of this machine is free, by listening on it for a moment, and which port to take instead. */
import { PorthopError } from "../../errors.ts";
import { listenTcp } from "../../io/listen.ts";
import { portHolder } from "../../io/port-holder.ts";

/** How many ports are tried. */
const farthest = 50;

/** Why no program can listen on the port, with a free port to take instead. Undefined when the port is free. */
export async function portFlaw(host: string, port: number): Promise<string | undefined> {
  const flaw = await flawOf(host, port);
  if (flaw === undefined) return undefined;
  const next = await nextFreePort(host, port < 1024 ? port + 8000 : port + 1);
  return next === undefined ? flaw : `${flaw}; ${next} is free`;
}

/** The first free port from `from` on; undefined when none is found. */
export async function nextFreePort(host: string, from: number): Promise<number | undefined> {
  for (let port = from; port < from + farthest && port <= 65535; port++) {
    if ((await refusalOf(host, port)) === undefined) return port;
  }
  return undefined;
}

async function flawOf(host: string, port: number): Promise<string | undefined> {
  const error = await refusalOf(host, port);
  if (error === undefined) return undefined;
  if (error.code === "listen.in-use") {
    const holder = portHolder(port);
    return `port ${port} is taken${holder === undefined ? "" : ` by ${holder.program} (pid ${holder.pid})`}`;
  }
  if (port < 1024) return `port ${port} is below 1024: only root may listen on it here`;
  return error.message;
}

async function refusalOf(host: string, port: number): Promise<PorthopError | undefined> {
  try {
    const refusal = new PorthopError("cancelled", "it was only tried whether the port is free");
    const listener = await listenTcp({ host, port }, (inbound) => inbound.refuse(refusal));
    await listener.close();
    return undefined;
  } catch (error) {
    if (error instanceof PorthopError) return error;
    throw error;
  }
}
