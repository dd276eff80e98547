/**
 * Parses and prints the text after -L, -R, -D and -W. The meaning is OpenSSH's (readconf.c,
 * parse_forward). This parser is stricter about typing errors: a port must be plain digits or a service, a
 * host a valid host. Printed text parses back to an equal value.
 */

import { quoted, visible } from "../../text/terminal-text.ts";
import { type Address, formatAddress, formatHost, isUnix, type UnixAddress } from "../address.ts";
import { parseHost } from "../host-port.ts";
import { Malformed } from "../malformed.ts";
import { parseServicePort } from "../service-port.ts";
import { type Field, printPathField, slashFields, splitFields } from "./forward-fields.ts";

export type ForwardFlag = "L" | "R" | "D" | "W";

export function isForwardFlag(flag: string): flag is ForwardFlag {
  return flag === "L" || flag === "R" || flag === "D" || flag === "W";
}

export interface TcpListen {
  /** As the user gave it, without brackets: undefined when no bind address was given, `""` and `*` for all interfaces. */
  readonly bind: string | undefined;
  /** 0 only for -R: the server chooses. */
  readonly port: number;
}

export type Listen = TcpListen | UnixAddress;

export type ForwardSpec = (
  | Carried<"local">
  | Carried<"remote">
  | Socks<"dynamic">
  | Socks<"reverse-dynamic">
  | { readonly kind: "stdio"; readonly side: "here"; readonly listen: undefined; readonly connect: Address }
) & {
  /** The text with its variables (`${HOME}`), when it has any: for lines that are shared. Only ssh and porthop read them. */
  readonly written?: string | undefined;
};

interface Carried<Kind> {
  readonly kind: Kind;
  /** The machine that listens; the other one connects. */
  readonly side: "here" | "server";
  readonly listen: Listen;
  readonly connect: Address;
}

/** No connect address: each connection names its own target by SOCKS. */
interface Socks<Kind> {
  readonly kind: Kind;
  readonly side: "here" | "server";
  readonly listen: Listen;
  readonly connect: undefined;
}

type Sideless<S> = S extends unknown ? Omit<S, "side"> : never;

const grammars: Readonly<Record<ForwardFlag, string>> = {
  L: "[bind:]port:host:hostport, for example 8080:localhost:80",
  R: "[bind:]port:host:hostport, for example 8080:localhost:80, or [bind:]port for SOCKS",
  D: "[bind:]port, for example 1080",
  W: "host:port, for example db.internal:5432",
};

/**
 * `fillVariables` replaces `${NAME}` before anything else is read (readconf.c, parse_forward). Throws Malformed with a
 * message such as `-L 3456:ketu:0x50: "0x50" is not a port (1 to 65535)`.
 */
export function parseForwardSpec(flag: ForwardFlag, text: string, fillVariables = asWritten): ForwardSpec {
  try {
    const filled = fillVariables(text);
    const spec = readSpec(flag, filled);
    return filled === text ? spec : { ...spec, written: text };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(`-${flag} ${visible(text, 200)}: ${error.message}`);
  }
}

/** The text with its variables. */
export function writtenForward(spec: ForwardSpec): string {
  return spec.written ?? printForwardSpec(spec);
}

/** The text without the flag, and without variables; `forwardFlag` returns the flag. */
export function printForwardSpec(spec: Sideless<ForwardSpec>): string {
  if (spec.kind === "stdio")
    return isUnix(spec.connect) ? printLonePath(spec.connect.path) : formatAddress(spec.connect);
  if (spec.connect !== undefined) return `${printListen(spec.listen)}:${printConnect(spec.connect)}`;
  return "path" in spec.listen ? printLonePath(spec.listen.path) : printListen(spec.listen);
}

export function forwardFlag(kind: ForwardSpec["kind"]): ForwardFlag {
  const flags = { local: "L", remote: "R", "reverse-dynamic": "R", dynamic: "D", stdio: "W" } as const;
  return flags[kind];
}

/**
 * The address to listen on: `localhost` (both families) when no bind address was given, `*` for all interfaces. With -g
 * (GatewayPorts) a forward without a bind address listens on all interfaces, but only when the listener is on our side
 * (OpenSSH channels.c, channel_fwd_bind_addr).
 */
export function listenAddress(spec: ForwardSpec, gatewayPorts = false): Address | undefined {
  const { side, listen } = spec;
  if (listen === undefined || "path" in listen) return listen;
  if (listen.bind === undefined) {
    return { host: gatewayPorts && side === "here" ? "*" : "localhost", port: listen.port };
  }
  return { host: listen.bind === "" ? "*" : listen.bind, port: listen.port };
}

function asWritten(text: string): string {
  return text;
}

function readSpec(flag: ForwardFlag, text: string): ForwardSpec {
  if (/^\s/.test(text)) throw new Malformed("it begins with a space");
  const fields = slashFields(text) ?? splitFields(text);
  if (fields.length > 1 && text.endsWith(":") && fields.at(-1)?.text === "") {
    throw new Malformed('nothing follows the last ":"');
  }
  return assemble(flag, fields);
}

function assemble(flag: ForwardFlag, fields: readonly Field[]): ForwardSpec {
  if (fields.length > 4) {
    throw new Malformed(`too many parts; an IPv6 address goes in brackets: [::1]; expected ${grammars[flag]}`);
  }
  if (flag === "W") return { kind: "stdio", side: "here", listen: undefined, connect: readConnect(flag, fields) };
  const [side, least] = flag === "R" ? (["server", 0] as const) : (["here", 1] as const);
  if (flag === "D" || (flag === "R" && isListenAlone(fields))) {
    const kind = flag === "D" ? "dynamic" : "reverse-dynamic";
    return { kind, side, listen: readListen(flag, fields, least), connect: undefined };
  }
  const split = listenCount(fields);
  return {
    kind: flag === "L" ? "local" : "remote",
    side,
    listen: readListen(flag, fields.slice(0, split), least),
    connect: readConnect(flag, fields.slice(split)),
  };
}

/** A -R text without a target: ssh parses a forward with a target first, and then a SOCKS listener on the server. */
function isListenAlone(fields: readonly Field[]): boolean {
  return fields.length === 1 || (fields.length === 2 && fields.every((field) => !field.isPath));
}

/** How many of the fields belong to the listen address: a path is one field, a host and port are two. */
function listenCount(fields: readonly Field[]): number {
  if (fields[0]?.isPath) return 1;
  return fields.at(-1)?.isPath ? fields.length - 1 : fields.length - 2;
}

function readListen(flag: ForwardFlag, fields: readonly Field[], leastPort: 0 | 1): Listen {
  const [first, second] = fields;
  if (first === undefined || fields.length > 2) throw misshapen(flag);
  if (second === undefined) {
    return first.isPath
      ? { path: readPath(first.text) }
      : { bind: undefined, port: parseServicePort(first.text, leastPort) };
  }
  const bind = first.text === "" ? "" : parseHost(first.text);
  return { bind, port: parseServicePort(second.text, leastPort) };
}

function readConnect(flag: ForwardFlag, fields: readonly Field[]): Address {
  const [first, second] = fields;
  if (first === undefined || fields.length > 2) throw misshapen(flag);
  if (second === undefined) {
    if (!first.isPath) throw misshapen(flag);
    return { path: readPath(first.text) };
  }
  if (first.text === "*") throw new Malformed('"*" is no host to connect to');
  return { host: parseHost(first.text), port: parseServicePort(second.text) };
}

function misshapen(flag: ForwardFlag): Malformed {
  return new Malformed(`a part is missing or one too many; expected ${grammars[flag]}`);
}

function readPath(path: string): string {
  if (/[\p{Cc}\p{Cs}]/u.test(path)) throw new Malformed(`path ${quoted(path)} contains a control character`);
  // sun_path holds 108 bytes on Linux, the last one a NUL; OpenSSH refuses more on both sides (PATH_MAX_SUN).
  if (new TextEncoder().encode(path).length > 107) throw new Malformed(`path ${quoted(path)} is longer than 107 bytes`);
  return path;
}

function printListen(listen: Listen): string {
  if ("path" in listen) return printPathField(listen.path);
  return listen.bind === undefined ? `${listen.port}` : `${formatHost(listen.bind)}:${listen.port}`;
}

function printConnect(connect: Address): string {
  return isUnix(connect) ? printPathField(connect.path) : formatAddress(connect);
}

/** A path that stands alone and reads like `bind/port` needs the brackets that make a field literal. */
function printLonePath(path: string): string {
  return slashFields(path) === undefined ? printPathField(path) : `[${path}]`;
}
