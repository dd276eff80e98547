/**
 * The mistakes that one forward alone can have: the localhost of the wrong machine, an open port, a port below 1024, a
 * service that needs more than one port.
 */
import { isIP } from "node:net";
import { isLoopback, isUnix } from "../codec/address.ts";
import { type ForwardSpec, listenAddress } from "../codec/words/forward-spec.ts";
import { serviceMistake } from "./service-mistakes.ts";
import { hasFlag, opensGateway, type Place, type TunnelDescription } from "./tunnel-description.ts";
import { sshdAddress } from "./tunnel-legs.ts";

interface ForwardMistake {
  readonly level: "warning" | "note";
  readonly code: string;
  readonly text: string;
  readonly cure: string;
}

export function forwardMistakes(
  description: TunnelDescription,
  spec: ForwardSpec,
  place: Place,
): readonly ForwardMistake[] {
  const listen = listenAddress(spec, opensGateway(description));
  const bound = listen === undefined || isUnix(listen) ? undefined : listen;
  return [
    ...wrongMachine(description, spec, place),
    ...(bound === undefined ? [] : openPort(bound.host, spec, description, place)),
    ...(bound === undefined ? [] : lowPort(bound.port, spec, description, place)),
    ...(listen !== undefined && isUnix(listen) ? oldSocket(spec) : []),
    ...service(spec),
  ];
}

/**
 * The most frequent mistake: the user means the localhost of another machine than the one that connects to the target.
 */
function wrongMachine(description: TunnelDescription, spec: ForwardSpec, place: Place): readonly ForwardMistake[] {
  const { connect } = spec;
  if (connect === undefined || isUnix(connect) || description.via === "nothing") return [];
  const { host, port } = connect;
  const far = spec.side === "server" ? place.here : description.host;
  if (host === "0.0.0.0" || host === "::") {
    return [
      warning("any-target", `${host} is an address to listen on, not to connect to`, `connect to localhost:${port}`),
    ];
  }
  const isServer = host === description.host || host === sshdAddress(description).host;
  if (spec.side === "server") {
    if (!isServer || isLoopback(host)) return [];
    const text = `the target ${host} is the server itself, to which ${place.here} connects from outside: -R carries from the server to here`;
    return [
      warning("localhost", text, `for a service of ${place.here} say localhost:${port}; for one of ${host} use -L`),
    ];
  }
  if (isLoopback(host)) {
    const jump = description.jumps?.at(-1)?.host;
    const others = [place.here, ...(jump === undefined ? [] : [jump])].map((name) => `not ${name}`).join(" and ");
    if (isLoopback(far)) return [];
    return [
      note(
        "localhost",
        `${host} is meant in the view of ${far}: ${far} itself, ${others}`,
        `for a service of ${place.here} no forward is needed; the other way round it is -R`,
      ),
    ];
  }
  if (!isServer) return [];
  const text = `${far} connects to itself by its outer address ${host}: what listens on its loopback only is not reached`;
  return [note("outer-address", text, `localhost:${port} reaches both`)];
}

function openPort(
  host: string,
  spec: ForwardSpec,
  description: TunnelDescription,
  { here }: Place,
): readonly ForwardMistake[] {
  if (isLoopback(host)) return [];
  const isWide = host === "*" || host === "0.0.0.0" || host === "::";
  if (spec.side === "server") {
    const text = `the server listens on ${isWide ? "all its addresses" : host} only if its GatewayPorts is clientspecified; by default it listens on loopback only, and ssh says nothing of it`;
    return [
      warning(
        "gateway-ports",
        text,
        "set GatewayPorts clientspecified in the server's sshd_config, or leave the bind address out",
      ),
    ];
  }
  if (!isWide && isIP(host) === 0) {
    const text = `${host} before the port is an address of ${here} to listen on, not a target`;
    return [warning("bind-name", text, "leave it out, or give an address of this machine")];
  }
  const proxy = spec.connect === undefined ? ": an open proxy into the server's network, without a password" : "";
  const who = isWide ? `every machine that reaches ${here}` : `every machine that reaches ${host}`;
  const cause =
    spec.listen !== undefined && "bind" in spec.listen && spec.listen.bind !== undefined
      ? "the bind address"
      : hasFlag(description, "g")
        ? "-g"
        : "GatewayPorts";
  const cure =
    description.via === "nothing"
      ? `leave ${cause} out, or use --allow-from`
      : `leave ${cause} out; porthop has --allow-from`;
  return [warning("open-to-network", `${who} may connect${proxy}`, cure)];
}

function lowPort(
  port: number,
  spec: ForwardSpec,
  description: TunnelDescription,
  { here }: Place,
): readonly ForwardMistake[] {
  if (port === 0 || port >= 1024) return [];
  const machine = spec.side === "server" && description.via === "ssh" ? description.host : here;
  const text = `port ${port} is below 1024: on ${machine} only root may listen on it`;
  return [warning("low-port", text, `use a port from 1024 on, for example ${port + 8000}`)];
}

function oldSocket(spec: ForwardSpec): readonly ForwardMistake[] {
  const whose = spec.side === "server" ? "in the server's sshd_config" : "with -o";
  return [
    note(
      "old-socket",
      "a socket file that is left over is in the way of the next time",
      `StreamLocalBindUnlink=yes ${whose} removes it`,
    ),
  ];
}

function service({ connect }: ForwardSpec): readonly ForwardMistake[] {
  const found = connect === undefined || isUnix(connect) ? undefined : serviceMistake(connect.port);
  return found === undefined ? [] : [note("more-ports", found.text, found.cure)];
}

function warning(code: string, text: string, cure: string): ForwardMistake {
  return { level: "warning", code, text, cure };
}

function note(code: string, text: string, cure: string): ForwardMistake {
  return { level: "note", code, text, cure };
}
