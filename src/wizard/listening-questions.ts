/** Questions about who may connect, and where the forward listens for them: on this machine, or on the server. */
import { type Address, isUnix } from "../codec/address.ts";
import { parsePort } from "../codec/host-port.ts";
import type { Listen, TcpListen } from "../codec/words/forward-spec.ts";
import { type Asking, choice, entry, type Facts, portEntry } from "./question.ts";
import { usualListenPort } from "./services.ts";
import { checkSocketPath } from "./target-questions.ts";

const socksPort = 1080;

/** Asks where to listen on this machine. `what` is the name of a service, `socks` or `relay`. */
export function* askListening(what: string, connect: Address | undefined, facts: Facts): Asking<Listen> {
  const isFile = connect !== undefined && isUnix(connect);
  const risk = risks[what] ?? "they need no password for it, and what they send to this machine is not encrypted";
  const who = yield choice(
    "who",
    "Who may connect to it here?",
    [
      ...(isFile ? [{ value: "file", label: "Only programs of mine", hint: "a socket file that is yours" }] : []),
      {
        value: "me",
        label: isFile ? "Any program on this machine" : "Only programs on this machine",
        hint: "localhost",
      },
      { value: "network", label: "Other machines too", hint: "all that reach this one" },
    ],
    { about: [`Other machines: ${risk}.`] },
  );
  if (who === "file") {
    const usual = `${facts.home}/docker.sock`;
    return { path: yield entry("listen-path", "Where shall the socket file be?", checkSocketPath, { usual }) };
  }
  const bind = who === "network" ? "*" : undefined;
  const port = yield portEntry("listen-port", "On which port of this machine?", usualPort(what, connect), {
    about: what === "relay" ? [] : ["It is the port that you connect to."],
    warn: (text) => lowPort(text, facts.here),
    listensOn: bind ?? "localhost",
  });
  return { bind, port: parsePort(port) };
}

/** Asks where to listen on the server. Without `connect` the forward is a proxy. */
export function* askServerListening(connect: Address | undefined, server: string): Asking<TcpListen> {
  const open =
    connect === undefined
      ? "whoever connects there can reach everything that this machine reaches"
      : "whoever can reach the server can then use it without logging in";
  const who = yield choice(
    "who-there",
    `Who may connect to it on ${server}?`,
    [
      { value: "server", label: `Only programs on ${server}`, hint: "its localhost" },
      { value: "network", label: "Other machines too", hint: "needs GatewayPorts on the server" },
    ],
    {
      about: [
        `Other machines: ${open}.`,
        "The server must allow it with GatewayPorts clientspecified; without, only its own programs get in.",
      ],
    },
  );
  const port = yield portEntry("listen-port-there", `On which port of ${server}?`, usualPort("socks", connect), {
    about: ["Whether it is free there shows when it runs."],
    warn: (text) => lowPort(text, server),
  });
  return { bind: who === "network" ? "*" : undefined, port: parsePort(port) };
}

const risks: Readonly<Record<string, string>> = {
  socks: "an open proxy into the server's network, without a password",
  docker: "whoever reaches the port is root on the server",
};

function usualPort(what: string, connect: Address | undefined): number | undefined {
  if (connect === undefined) return socksPort;
  if (isUnix(connect)) return what === "docker" ? 2375 : undefined;
  return usualListenPort(connect.port);
}

function lowPort(text: string, machine: string): string | undefined {
  return Number(text) < 1024 ? `ports below 1024 belong to root on most machines, on ${machine} likely too` : undefined;
}
