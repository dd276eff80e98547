/**
 * The description that `command` and `explain` make of their words, and the names that
 * their texts use for this machine.
 */
import { hostname, platform } from "node:os";
import { describeRelay, describeTunnel } from "../config/description.ts";
import { realSources } from "../config/file/config-sources.ts";
import { readPasted } from "../config/pasted-command.ts";
import { pastedMistakes } from "../config/pasted-mistakes.ts";
import { relaySettings } from "../config/relay-settings.ts";
import { type ResolvedTunnel, resolveTunnel } from "../config/resolved-tunnel.ts";
import { surroundingsOf } from "../config/run-settings.ts";
import { visible } from "../text/terminal-text.ts";
import type { Mistake } from "../tunnel/mistakes.ts";
import type { Place, Relay } from "../tunnel/tunnel-description.ts";

export interface Described {
  readonly place: Place;
  /** Mistakes in the words that the description does not show. */
  readonly mistakes: readonly Mistake[];
  readonly tunnel: ResolvedTunnel | Relay;
}

/** Throws for all words that `run` and `relay` refuse, except for those that only ssh can carry out. */
export function describeWords(words: readonly string[]): Described {
  const pasted = readPasted(words);
  const sources = realSources(process.env);
  const place = placeHere(pasted.program);
  if (pasted.command === "relay") {
    const relay = describeRelay(pasted.words, surroundingsOf(sources));
    relaySettings(relay);
    return { tunnel: relay, place, mistakes: [] };
  }
  const described = describeTunnel(pasted.words, surroundingsOf(sources));
  return { tunnel: resolveTunnel(described, sources), place, mistakes: pastedMistakes(pasted, described) };
}

/** `program` carries the connections: ssh or porthop. */
export function placeHere(program: string): Place {
  const [name = ""] = hostname().split(".");
  return {
    here: name === "" || name === "localhost" ? "this machine" : visible(name, 60),
    loopback: platform() === "linux" || platform() === "win32" ? "lo" : "lo0",
    program,
  };
}
