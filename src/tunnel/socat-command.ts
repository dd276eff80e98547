/** A relay as a command line of socat, which does nearly what a relay does: one listen address, one target. */
import { type Address, formatHost, isUnix } from "../codec/address.ts";
import { Malformed } from "../codec/malformed.ts";
import { type ForwardSpec, listenAddress } from "../codec/words/forward-spec.ts";
import { requireOneLine } from "../codec/words/shell-words.ts";

export function socatWords(spec: ForwardSpec, opensGateway: boolean): readonly string[] {
  const listen = listenAddress(spec, opensGateway);
  if (listen === undefined || spec.connect === undefined) throw new Malformed("socat joins a listener and one target");
  return requireOneLine(["socat", listening(listen), connecting(spec.connect)]);
}

function listening(listen: Address): string {
  if (isUnix(listen)) return `UNIX-LISTEN:${escaped(listen.path)},fork,mode=600`;
  const base = `TCP-LISTEN:${listen.port}`;
  if (listen.host === "*") return `${base},fork,reuseaddr`;
  const family = listen.host.includes(":") ? "TCP6-LISTEN" : "TCP4-LISTEN";
  return `${family}:${listen.port},bind=${formatHost(listen.host)},fork,reuseaddr`;
}

function connecting(connect: Address): string {
  if (isUnix(connect)) return `UNIX-CONNECT:${escaped(connect.path)}`;
  return `TCP:${formatHost(connect.host)}:${connect.port}`;
}

/** Escapes the characters that would end a field or begin a quote (socat(1), "ADDRESS SPECIFICATIONS"). */
function escaped(path: string): string {
  return path.replace(/[\\,:!"'({[]/g, "\\$&");
}
