/**
 * How a tunnel keeps its link to the server: whether it connects again, how long new connections wait meanwhile, how many
 * sessions it has, and which other servers it may go to. A setting that nobody gave has its default here.
 */
import { Malformed } from "../codec/malformed.ts";
import { parseDuration } from "../codec/units.ts";
import { type Destination, type IsHost, parseDestination, printDestination } from "../codec/words/destination.ts";
import { visible } from "../text/terminal-text.ts";
import type { Extra } from "../tunnel/tunnel-description.ts";
import { defaults } from "./defaults.ts";
import { keywords as readings } from "./file/keyword.ts";
import { type Keywords, longestTimerMs } from "./file/keyword-record.ts";
import { named } from "./flag-in-message.ts";
import { asUsage } from "./usage.ts";

export interface LinkSettings {
  /** What counts: never for a command and for -W, whatever was said. */
  readonly reconnect: "never" | "auto" | "always";
  /** How long a new connection waits for a session. 0: not at all. */
  readonly holdMs: number;
  readonly sessions: number;
  /** The destinations that are tried in turn when the first cannot be reached. Each is there once. */
  readonly fallbacks: readonly Destination[];
  /** --check-target: ready only after each target was reached once. */
  readonly checksTargets: boolean;
}

export interface LinkWords {
  /** porthop's own options, those of the configuration included. */
  readonly extras: readonly Extra[];
  readonly keywords: Keywords;
  readonly destination: Destination;
  /** What runs once and cannot be begun anew, in words: a command or -W. */
  readonly once: string | undefined;
  /** True when there is nothing beside that: a second session would carry nothing. */
  readonly isAlone: boolean;
  readonly isHost: IsHost;
}

/** Throws Malformed. What has no effect is added to the remarks of the keywords. */
export function readLink(words: LinkWords): LinkSettings {
  const { extras } = words;
  return {
    reconnect: reconnectOf(words),
    holdMs: holdOf(lastOf(extras, "hold")),
    sessions: sessionsOf(words),
    fallbacks: fallbacksOf(words),
    checksTargets: extras.some(({ name }) => name === "check-target"),
  };
}

function reconnectOf({ extras, keywords, once }: LinkWords): LinkSettings["reconnect"] {
  const text = lastOf(extras, "reconnect");
  const choices = readings.PorthopReconnect;
  const said = choices.find((each) => each === text?.toLowerCase());
  if (text !== undefined && said === undefined) {
    throw new Malformed(`--reconnect ${visible(text, 50)}: not one of ${choices.join(", ")}`);
  }
  if (once === undefined) return said ?? defaults.reconnect;
  const isTyped = text !== undefined && !keywords.placesOf("PorthopReconnect").has(text);
  if (isTyped && said !== "never") {
    keywords.remarks.push(`--reconnect ${said} has no effect beside ${once}, which cannot begin anew`);
  }
  return "never";
}

function holdOf(text: string | undefined): number {
  if (text === undefined) return defaults.holdMs;
  const read = () => named(`--hold ${text}`, () => parseDuration(text));
  return Math.min(longestTimerMs, asUsage("0 refuses at once, 24h is a long wait", read));
}

function sessionsOf({ extras, keywords, once, isAlone }: LinkWords): number {
  const text = lastOf(extras, "sessions");
  if (text === undefined) return defaults.sessions;
  const choices = readings.PorthopSessions;
  if (!choices.some((each) => each === text)) {
    throw new Malformed(`--sessions ${visible(text, 50)}: not a number from ${choices[0]} to ${choices.at(-1)}`);
  }
  if (once === undefined || !isAlone) return Number(text);
  const isTyped = !keywords.placesOf("PorthopSessions").has(text);
  if (isTyped && text !== "1") keywords.remarks.push(`--sessions ${text} has no effect: ${once} needs one session`);
  return 1;
}

/** As with other lists of ssh's, `none` ends the list, so that a Host can do without what stands further down. */
function fallbacksOf({ extras, keywords, destination, isHost }: LinkWords): readonly Destination[] {
  const texts = extras.flatMap(({ name, value }) => (name === "fallback" ? [value ?? ""] : []));
  const end = texts.findIndex((text) => text.toLowerCase() === "none");
  const itself = placeOf(destination);
  const seen = new Set([itself]);
  const fallbacks: Destination[] = [];
  for (const text of end === -1 ? texts : texts.slice(0, end)) {
    // The message of the destination has its text, without a password.
    const fallback = named("--fallback", () => parseDestination(text, isHost));
    const place = placeOf(filledFrom(destination, fallback));
    if (!seen.has(place)) fallbacks.push(fallback);
    else if (!keywords.placesOf("PorthopFallback").has(text)) {
      const why = place === itself ? "the destination itself" : "named before";
      keywords.remarks.push(`--fallback ${visible(printDestination(fallback), 200)} is ${why}, and is tried once`);
    }
    seen.add(place);
  }
  return fallbacks;
}

/** A fallback of the destination's own name has the same lines of the files, and the same flags. */
function filledFrom(destination: Destination, { host, user, port }: Destination): Destination {
  if (host.toLowerCase() !== destination.host.toLowerCase()) return { host, user, port };
  return { host, user: user ?? destination.user, port: port ?? destination.port };
}

/** Names have no letter case, and users have. */
function placeOf({ host, user, port }: Destination): string {
  return printDestination({ host: host.toLowerCase(), user, port: port ?? defaults.port });
}

function lastOf(extras: readonly Extra[], wanted: string): string | undefined {
  return extras.findLast(({ name }) => name === wanted)?.value;
}
