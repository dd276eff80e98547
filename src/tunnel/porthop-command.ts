/**
 * A tunnel or a relay as a command line of porthop: the words that ssh takes, and the options that only porthop has.
 */
import { printDestination } from "../codec/words/destination.ts";
import { writtenForward } from "../codec/words/forward-spec.ts";
import { requireOneLine } from "../codec/words/shell-words.ts";
import { sshWords } from "./ssh-command.ts";
import { type Extra, isPorthops, type Relay, type SshTunnel, type TunnelDescription } from "./tunnel-description.ts";

export function porthopWords(description: TunnelDescription): readonly string[] {
  const extras = description.extras.flatMap(extraWords);
  if (description.via === "nothing") {
    return requireOneLine(["porthop", "relay", ...relayWords(description), ...extras]);
  }
  const words = sshWords(description, ({ user, host }) => printDestination({ user, host, port: undefined }));
  const ssh = impliesNone(description) && words[0] === "-N" ? words.slice(1) : words;
  const own = description.keywords.filter(isPorthops).flatMap(({ name, value }) => ["-o", `${name}=${value}`]);
  return requireOneLine(["porthop", "run", ...extras, ...own, ...ssh]);
}

/**
 * Whether the words say -N without that flag. One that was typed stays: it also counts against what a file says, such as
 * a RemoteCommand.
 */
function impliesNone({ remote }: SshTunnel): boolean {
  return remote.kind === "none" && remote.implied;
}

function relayWords({ flags, keywords, forwards }: Relay): readonly string[] {
  return [
    ...flags.flatMap(({ letter, value }) => [`-${letter}`, ...(value === undefined ? [] : [value])]),
    ...keywords.flatMap(({ name, value }) => ["-o", `${name}=${value}`]),
    ...forwards.flatMap((spec) => ["-L", writtenForward(spec)]),
  ];
}

/** A value is a word of its own, even when it begins with a dash: `--capture -`. */
function extraWords({ name, value }: Extra): readonly string[] {
  return value === undefined ? [`--${name}`] : [`--${name}`, value];
}
