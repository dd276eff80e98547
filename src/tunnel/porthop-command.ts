/** A tunnel or a relay as a line of porthop's own: what ssh takes, and what only porthop knows. */
import { printForwardSpec } from "../codec/words/forward-spec.ts";
import { requireOneLine } from "../codec/words/shell-words.ts";
import { sshWords } from "./ssh-command.ts";
import type { Extra, Relay, TunnelDescription } from "./tunnel-description.ts";

export function porthopWords(description: TunnelDescription): readonly string[] {
  const extras = description.extras.flatMap(extraWords);
  if (description.via === "nothing") {
    return requireOneLine(["porthop", "relay", ...relayWords(description), ...extras]);
  }
  // Without a command -N is implied.
  const words = sshWords(description);
  const ssh = description.remote.kind === "none" && words[0] === "-N" ? words.slice(1) : words;
  return requireOneLine(["porthop", "run", ...extras, ...ssh]);
}

function relayWords({ flags, keywords, forwards }: Relay): readonly string[] {
  return [
    ...flags.flatMap(({ letter, value }) => [`-${letter}`, ...(value === undefined ? [] : [value])]),
    ...keywords.flatMap(({ name, value }) => ["-o", `${name}=${value}`]),
    ...forwards.flatMap((spec) => ["-L", printForwardSpec(spec)]),
  ];
}

/** A value may begin with a dash, as the - of --capture. */
function extraWords({ name, value }: Extra): readonly string[] {
  return value === undefined ? [`--${name}`] : [`--${name}`, value];
}
