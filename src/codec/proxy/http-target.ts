/**
 * The target of a plain request to an HTTP proxy: `http://host:port/path` (the absolute form of RFC 9112, section
 * 3.2.2), cut into the host to connect to and what that host is asked for.
 */
import { isIP } from "node:net";
import { quoted } from "../../text/terminal-text.ts";
import { parsePort } from "../host-port.ts";
import { Malformed } from "../malformed.ts";
import { Unsupported } from "./http-refusal.ts";

export interface HttpTarget {
  /** Each character is one byte. */
  readonly host: string;
  readonly port: number;
  /** The value of the Host field. */
  readonly authority: string;
  /** The target in origin form: a path with its query, or `*`. */
  readonly path: string;
}

/**
 * Throws Malformed, which shows neither a path nor a password, for the origin form too: a page of the web can make a browser send that here (by a name that leads to
 * this machine), and must not reach what is behind the proxy by its Host.
 */
export function readHttpTarget(method: string, text: string): HttpTarget {
  if (text.startsWith("/") || text === "*") {
    throw new Malformed(
      "this port is a proxy and no web server: name it as the proxy of a program, such as http_proxy",
    );
  }
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text) ?? [];
  if (scheme === "") throw new Malformed("the request does not ask for a URL that begins with http://");
  if (scheme.toLowerCase() !== "http") throw new Unsupported(otherScheme(scheme.toLowerCase()));
  // A "#" never stands in a request's target (RFC 9112, section 3.2), and programs disagree about what is before it.
  if (text.includes("#")) throw new Malformed('the URL contains "#"');
  const end = /[/?]/.exec(rest)?.index ?? rest.length;
  return { ...readAuthority(rest.slice(0, end)), path: originForm(method, rest.slice(end)) };
}

function otherScheme(scheme: string): string {
  const cure = scheme === "https" || scheme === "wss" ? ": the program has to ask with CONNECT" : "";
  return `this proxy takes plain requests for http:// only, not for ${scheme}://${cure}`;
}

function readAuthority(text: string): Omit<HttpTarget, "path"> {
  // A user and a password go to nobody (RFC 9110, section 4.2.4), and no error shows them.
  const place = text.slice(text.indexOf("@") + 1);
  if (place.includes("@")) throw new Malformed('the URL has more than one "@" before its path: its host is in doubt');
  const [, inBrackets, name, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(place) ?? [];
  const host = inBrackets === undefined ? name : inBrackets.replace("%25", "%");
  if (host === undefined) throw new Malformed(`${quoted(place)} is not host:port`);
  if (inBrackets !== undefined && isIP(host) !== 6) throw new Malformed(`${quoted(host)} is not an IPv6 address`);
  const port = digits === undefined || digits === "" ? 80 : parsePort(digits);
  // A zone has a meaning on the machine that dials, and none for the target (RFC 6874, section 4).
  const shown = inBrackets === undefined ? host : `[${host.replace(/%.*/, "")}]`;
  return { host, port, authority: digits === undefined || digits === "" ? shown : `${shown}:${digits}` };
}

/** RFC 9112, sections 3.2.1 and 3.2.4: OPTIONS without a path is about the whole server. */
function originForm(method: string, rest: string): string {
  if (rest === "" && method === "OPTIONS") return "*";
  return rest.startsWith("/") ? rest : `/${rest}`;
}
