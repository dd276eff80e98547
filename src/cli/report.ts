/** Hearers of the bus: they write events as JSON lines on stdout (cli.md, "Events") and as words on stderr. */
import { type Address, formatAddress } from "../codec/address.ts";
import type { PorthopError } from "../errors.ts";
import type { Bus } from "../flow/bus.ts";
import type { EventNamed } from "../flow/event.ts";
import type { TunnelEvent } from "../plugin.ts";
import { isBehind } from "./background.ts";
import type { Output } from "./output.ts";

/** Flows are the log plugin's to tell. */
export function wordReport(bus: Bus, output: Output): void {
  bus.on("session", (event) => {
    if (event.state === "ready") output.debug(sessionText(event));
  });
  bus.on("listening", (event) => output.info(listeningText(event)));
  bus.on("ready", () => output.info(isBehind(process.env) ? "ready" : "ready: press Ctrl-C to stop"));
  bus.on("error", ({ error, flow }) => output.error(error, flow));
}

/** The server's own words before the login. */
export function bannerReport(bus: Bus, output: Output): void {
  bus.on("banner", ({ text }) => output.info(text.trimEnd()));
}

export function jsonReport(bus: Bus, output: Output): void {
  bus.onPublic((event) => jsonTell(output, event));
}

export function jsonTell(output: Output, event: TunnelEvent): void {
  output.result(jsonLine(event));
}

export function jsonExit(output: Output, code: number): void {
  output.result(line("exit", { code }));
}

/** An event of a command that carries nothing. */
export function jsonEvent(output: Output, event: string, fields: object): void {
  output.result(line(event, fields));
}

function jsonLine(event: TunnelEvent): string {
  const { event: name, ...fields } = event;
  if (event.event === "error") return line(name, { ...errorFields(event.error), flow: event.flow });
  return line(name, fields);
}

function line(event: string, fields: object): string {
  const text = JSON.stringify({ event, time: new Date().toISOString(), ...fields }, (_key, value: unknown) => {
    if (isAddress(value)) return formatAddress(value);
    if (value instanceof Error && "code" in value) return errorFields(value as PorthopError);
    return value;
  });
  // JSON lets pass what acts on a terminal all the same (C1 controls, bidi overrides); its readers see no difference.
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);
}

/** A character beyond the basic plane becomes the pair of escapes that JSON wants. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

function errorFields({ code, message, hint, leg }: PorthopError): object {
  return { code, message, hint, leg };
}

function isAddress(value: unknown): value is Address {
  if (typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  return (keys.length === 2 && "host" in value && "port" in value) || (keys.length === 1 && "path" in value);
}

function listeningText({ forward, addresses, connect, side }: EventNamed<"listening">): string {
  const places = addresses.map(formatAddress).join(" and ");
  const target = connect === undefined ? ": SOCKS and HTTP proxy" : ` -> ${formatAddress(connect)}`;
  return `${forward} listening on ${places}${side === "server" ? " of the server" : ""}${target}`;
}

function sessionText(event: EventNamed<"session">): string {
  const { user, host, port, cipher, kex, hostKey, hop } = event;
  const where = hop === undefined ? "" : `jump host ${hop}, `;
  return `logged in to ${where}${user}@${formatAddress({ host, port })} (${kex}, ${cipher}, host key ${hostKey})`;
}
