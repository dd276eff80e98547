/**
 * Questions about the service, the server, and the place of the service as seen from the machine that connects to it.
 */
import { type Address, isUnix, type TcpAddress } from "../codec/address.ts";
import { parseHost, parsePort } from "../codec/host-port.ts";
import { Malformed } from "../codec/malformed.ts";
import { type Destination, type IsHost, parseDestination } from "../codec/words/destination.ts";
import { parseForwardSpec, printForwardSpec } from "../codec/words/forward-spec.ts";
import { type Asking, choice, entry, type Facts, portEntry } from "./question.ts";
import { reachable, type Service, showable } from "./services.ts";

export function* askService(side: "reach" | "show"): Asking<Service> {
  const services = side === "reach" ? reachable : showable;
  const ask = side === "reach" ? "What do you want to reach?" : "What do you want to show?";
  const value = yield choice(
    `service-${side}`,
    ask,
    services.map(({ value, label, ports, socket }) => ({
      value,
      label,
      ...(ports.length === 0 && socket === undefined
        ? {}
        : { hint: socket ?? `port ${ports.map(({ port }) => port).join(", ")}` }),
    })),
  );
  const service = services.find((each) => each.value === value);
  if (service === undefined) throw new Error(`no such service: ${value}`);
  return service;
}

export function* askServer({ hosts }: Facts): Asking<Destination> {
  if (hosts.length > 0) {
    const picked = yield choice(
      "server-choice",
      "Through which server?",
      [
        ...hosts.map((host) => ({ value: `host ${host}`, label: host })),
        { value: "other", label: "Another one", hint: "to be typed" },
      ],
      { about: ["These are the hosts of your ~/.ssh/config."] },
    );
    if (picked.startsWith("host ")) return { user: undefined, host: picked.slice(5), port: undefined };
  }
  const isHost = (name: string) => hosts.includes(name);
  const typed = yield entry("server", "Which server do you log in to?", (text) => checkServer(text, isHost), {
    about: ["As user@host, and :port behind it if sshd is not on port 22."],
    example: "alice@server.example.org",
  });
  return parseDestination(typed, isHost);
}

/** `machine` is the machine that connects to the service: the server, or this machine when the user shows something. */
export function* askTarget(service: Service, machine: string, isHere = false): Asking<Address> {
  const host = yield* askWhere(service, machine, isHere);
  if (service.socket !== undefined && host === "localhost") {
    const path = yield entry("socket", `Which file of ${machine} is the socket?`, checkSocketPath, {
      usual: service.socket,
    });
    return { path };
  }
  return { host, port: yield* askServicePort(service) };
}

export function* askTargetAddress(): Asking<TcpAddress> {
  const typed = yield entry("target-host", "To which machine shall the connections go?", checkTargetHost, {
    about: ["A name or address that this machine can reach; localhost is this machine itself."],
    example: "intranet.example.org",
  });
  const host = targetHost(typed);
  const port = yield portEntry("target-port", "To which port there?", undefined);
  return { host, port: parsePort(port) };
}

function* askWhere(service: Service, machine: string, isHere: boolean): Asking<string> {
  // A socket is a file, and no other machine can reach it.
  if (service.socket !== undefined) return "localhost";
  const where = yield choice(
    "where",
    "Where does it run?",
    [
      { value: "itself", label: `On ${isHere ? "this machine" : machine} itself`, hint: "localhost" },
      { value: "elsewhere", label: `On another machine, which ${isHere ? "this one" : machine} can reach` },
    ],
    { usual: service.isElsewhere ? "elsewhere" : "itself" },
  );
  if (where === "itself") return "localhost";
  const typed = yield entry("where-host", "What is that machine called?", checkTargetHost, {
    about: [`Its name or address as ${isHere ? "this machine" : machine} knows it.`],
    example: "db.internal",
  });
  return targetHost(typed);
}

function* askServicePort({ ports }: Service): Asking<number> {
  const [first, ...others] = ports;
  if (others.length > 0) {
    const picked = yield choice("service-port-choice", "On which port does it listen?", [
      ...ports.map(({ port, about }) => ({ value: String(port), label: String(port), hint: about })),
      { value: "other", label: "Another one", hint: "to be typed" },
    ]);
    if (picked !== "other") return Number(picked);
    return parsePort(yield portEntry("service-port", "Which port is it?", undefined));
  }
  return parsePort(yield portEntry("service-port", "On which port does it listen?", first?.port));
}

/** Without this check, `ssh alice@server` would be a user whose name has a blank. */
function checkServer(text: string, isHost: IsHost): void {
  if (/^ssh\s/.test(text)) throw new Malformed("only the server, without the word ssh and its flags");
  parseDestination(text, isHost);
}

function checkTargetHost(text: string): void {
  targetHost(text);
}

/**
 * Accepts an IPv6 address in brackets. When more of a browser's address was copied, the error says what is too much.
 */
function targetHost(text: string): string {
  if (text === "*") throw new Malformed('"*" is no machine to connect to');
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (/^[a-z]{1,20}:\/\//i.test(bare)) throw new Malformed("only the name or address, without http:// and the page");
  if (/^(?:[^:]*|\[.*\]):\d*$/.test(bare)) throw new Malformed("only the name or address: the port is asked for next");
  return parseHost(bare);
}

/** Throws Malformed when a forward does not accept the path: a long path, or one with invisible characters. */
export function checkSocketPath(text: string): void {
  if (!text.startsWith("/")) throw new Malformed("the path begins with /");
  const connect = { path: text };
  const { connect: again } = parseForwardSpec("W", printForwardSpec({ kind: "stdio", listen: undefined, connect }));
  if (again === undefined || !isUnix(again) || again.path !== text)
    throw new Malformed("this path cannot be forwarded");
}
