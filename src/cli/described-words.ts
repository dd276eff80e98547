/** The words of `command` and `explain` as a description, and what the texts call this machine. */
import { hostname, platform } from "node:os";
import { describeRelay, describeTunnel } from "../config/description.ts";
import { realSources } from "../config/file/config-sources.ts";
import { readPasted } from "../config/pasted-command.ts";
import { pastedMistakes } from "../config/pasted-mistakes.ts";
import { relaySettings } from "../config/relay-settings.ts";
import { type ResolvedTunnel, resolveTunnel } from "../config/resolved-tunnel.ts";
import { variablesOf } from "../config/run-settings.ts";
import { visible } from "../text/terminal-text.ts";
import type { Mistake } from "../tunnel/mistakes.ts";
import type { Place, Relay } from "../tunnel/tunnel-description.ts";

export interface Described {
  readonly place: Place;
  /** Of the words, besides those that the description shows. */
  readonly mistakes: readonly Mistake[];
  readonly tunnel: ResolvedTunnel | Relay;
}

/** Refuses what `run` and `relay` refuse, but for what porthop does not have and ssh has. */
export function describeWords(words: readonly string[]): Described {
  const pasted = readPasted(words);
  const sources = realSources(process.env);
  const place = placeHere(pasted.program);
  if (pasted.command === "relay") {
    const relay = describeRelay(pasted.words, variablesOf(sources));
    relaySettings(relay);
    return { tunnel: relay, place, mistakes: [] };
  }
  const tunnel = resolveTunnel(describeTunnel(pasted.words, variablesOf(sources)), sources);
  return { tunnel, place, mistakes: pastedMistakes(pasted) };
}

/** `program` is who carries: ssh or porthop. */
export function placeHere(program: string): Place {
  const [name = ""] = hostname().split(".");
  return {
    here: name === "" || name === "localhost" ? "this machine" : visible(name, 60),
    loopback: platform() === "linux" || platform() === "win32" ? "lo" : "lo0",
    program,
  };
}
