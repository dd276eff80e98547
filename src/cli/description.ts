/** The words of `command` and `explain` as a description, and what the texts call this machine. */
import { hostname, platform } from "node:os";
import { describeRelay, describeTunnel } from "../config/description.ts";
import { readPasted } from "../config/pasted-command.ts";
import { pastedMistakes } from "../config/pasted-mistakes.ts";
import { visible } from "../text/terminal-text.ts";
import type { Mistake } from "../tunnel/mistakes.ts";
import type { Place, TunnelDescription } from "../tunnel/tunnel-description.ts";

export interface Described {
  readonly description: TunnelDescription;
  readonly place: Place;
  /** Of the words, besides those that the description shows. */
  readonly mistakes: readonly Mistake[];
}

export function describe(words: readonly string[]): Described {
  const pasted = readPasted(words);
  const description = pasted.command === "relay" ? describeRelay(pasted.words) : describeTunnel(pasted.words);
  return { description, place: placeHere(pasted.program), mistakes: pastedMistakes(pasted) };
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
