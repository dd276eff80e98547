/** Listeners on the event bus: they write events as JSON lines on stdout (README.md, "For scripts") and as words on stderr. */
import { type Address, formatAddress, isUnix } from "../codec/address.ts";
import { formatWait } from "../codec/units.ts";
import type { PorthopError } from "../errors.ts";
import type { Bus } from "../flow/bus.ts";
import type { EventNamed } from "../flow/event.ts";
import type { TunnelEvent } from "../plugin.ts";
import { isBehind } from "./background.ts";
import { ListeningWords } from "./listening-words.ts";
import { type OutageLine, OutageWords } from "./outage-words.ts";
import type { Output } from "./output.ts";
import { plainJson } from "./plain-json.ts";

/** Messages about the settings, which are printed before anything begins. */
export interface SettingsRemarks {
  readonly warnings: readonly string[];
  /** Printed with -v only. */
  readonly notes: readonly string[];
  /** Of what was typed and does not have its effect. */
  readonly remarks: readonly string[];
}

export function settingsReport({ warnings, notes, remarks }: SettingsRemarks, output: Output): void {
  for (const warning of [...warnings, ...remarks]) output.warn(warning);
  for (const note of notes) output.loggerFor().debug(note);
}

/** Reports events in words. Flows are left out, because the log plugin reports them. */
export function wordReport(bus: Bus, output: Output, now: () => number = () => performance.now()): void {
  outageReport(bus, output, now);
  const listeners = new ListeningWords();
  bus.on("session", (event) => {
    if (event.state !== "ready") return;
    output.debug(sessionText(event));
    if (event.hop === undefined) listeners.session(event);
  });
  bus.on("forward.waiting", (event) => listeners.waiting(event));
  bus.on("listening", (event) => {
    const { level, text } = listeners.listening(event);
    output[level](text);
  });
  bus.on("forward.moved", (event) => {
    listeners.moved(event);
    output.info(movedText(event));
  });
  bus.on("held", ({ flow, ms }) => output.debug(`${flow} waited ${formatWait(ms)} for the session`));
  bus.on("ready", () => output.info(isBehind(process.env) ? "ready" : "ready: press Ctrl-C to stop"));
  bus.on("error", ({ error, flow }) => output.error(error, flow));
}

/** The session of a jump host is left out: the destination's is lost with it. */
function outageReport(bus: Bus, output: Output, now: () => number): void {
  const words = new OutageWords(now);
  const say = (line: OutageLine | undefined) => line !== undefined && output[line.level](line.text);
  bus.on("session", (event) => {
    if (event.hop !== undefined) return;
    if (event.state === "lost" || event.state === "closed") words.gone(event);
    if (event.state === "ready") say(words.stands(event));
  });
  bus.on("reconnect", (event) => say(words.reconnect(event)));
  bus.on("forward.waiting", (event) => say(words.waiting(event)));
}

/** Prints the text that the server sends before the login. */
export function bannerReport(bus: Bus, output: Output): void {
  bus.on("banner", ({ text }) => output.banner(text));
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

/** An event of a command that carries no connections. */
export function jsonEvent(output: Output, event: string, fields: object): void {
  output.result(line(event, fields));
}

function jsonLine(event: TunnelEvent): string {
  const { event: name, ...fields } = event;
  if (event.event === "error") return line(name, { ...errorFields(event.error), flow: event.flow });
  return line(name, fields);
}

function line(event: string, fields: object): string {
  return plainJson({ event, time: new Date().toISOString(), ...fields }, (_key, value) => {
    if (isAddress(value)) return formatAddress(value);
    if (value instanceof Error && "code" in value) return errorFields(value as PorthopError);
    return value;
  });
}

function errorFields({ code, message, hint, leg }: PorthopError): object {
  return { code, message, hint, leg };
}

function isAddress(value: unknown): value is Address {
  if (typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  return (keys.length === 2 && "host" in value && "port" in value) || (keys.length === 1 && "path" in value);
}

function movedText({ forward, listen, was }: EventNamed<"forward.moved">): string {
  const onlyPort = !isUnix(listen) && !isUnix(was) && listen.host === was.host;
  return `${forward} listening on ${formatAddress(listen)} of the server (was ${onlyPort ? was.port : formatAddress(was)})`;
}

function sessionText(event: EventNamed<"session">): string {
  const { user, host, port, cipher, kex, hostKey, hop } = event;
  const where = hop === undefined ? "" : `jump host ${hop}, `;
  return `logged in to ${where}${user}@${formatAddress({ host, port })} (${kex}, ${cipher}, host key ${hostKey})`;
}
