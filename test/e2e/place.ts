/**
 * Where a forward listens or goes in a test: a TCP port on loopback, or a unix socket in a folder of its own. A test
 * can play both ends of a forward at either kind.
 */
import { type AddressInfo, createConnection, createServer } from "node:net";
import { join } from "node:path";
import { freePort } from "../kit/servers.ts";
import { type PlayedTarget, TcpEnd } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { Waiting } from "../kit/waiting.ts";

export type Kind = "tcp" | "unix";
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** A place where nobody listens yet. */
export async function freePlace(kind: Kind): Promise<Place> {
  if (kind === "tcp") return { host: "127.0.0.1", port: await freePort() };
  return { path: join(tempDirectory("place"), "it.sock") };
}

/** The place as text for a forward's spec. */
export function spec(place: Place): string {
  return "path" in place ? place.path : `${place.host}:${place.port}`;
}

export function connectAt(place: Place): Promise<TcpEnd> {
  const socket = createConnection({ ...place, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => resolve(new TcpEnd(socket)));
  });
}

export interface Target extends AsyncDisposable {
  readonly place: Place;
  readonly accepted: PlayedTarget["accepted"];
}

/** A target whose part the test plays. */
export async function playAt(kind: Kind): Promise<Target> {
  const ends: TcpEnd[] = [];
  const waiting = new Waiting();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    ends.push(new TcpEnd(socket));
    waiting.change();
  });
  const place: Place = kind === "tcp" ? { host: "127.0.0.1", port: 0 } : await freePlace("unix");
  await new Promise<void>((resolve) => server.listen({ ...place }, resolve));
  return {
    place: "path" in place ? place : { host: "127.0.0.1", port: (server.address() as AddressInfo).port },
    accepted: (index = 0) => waiting.until(`connection ${index}`, () => ends[index]),
    async [Symbol.asyncDispose]() {
      for (const end of ends) await end[Symbol.asyncDispose]();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
