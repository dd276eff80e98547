/**
 * The ssh arguments for a program that starts ssh again when ssh ends (autossh, systemd). So ssh must end by itself
 * when the network is gone or a forward fails, and must not go to the background.
 */
import { Malformed } from "../codec/malformed.ts";
import { sshWords } from "./ssh-command.ts";
import { type KeywordLine, keywordIsOn, keywordText, type SshTunnel } from "./tunnel-description.ts";

/** What is said by the user, or in a file that `effective` takes into account, stays as it was said. */
export function residentWords(tunnel: SshTunnel, effective = tunnel): readonly string[] {
  if (effective.forwards.some(({ kind }) => kind === "stdio")) {
    throw new Malformed("-W carries stdin and stdout once: there is nothing to start again");
  }
  const added = wanted.filter(({ name }) => keywordText(effective, name) === undefined);
  const own = tunnel.keywords.filter(({ name }) => !/^ForkAfterAuthentication$/i.test(name));
  const isBehindByFile = own.length === tunnel.keywords.length && keywordIsOn(effective, "ForkAfterAuthentication");
  return sshWords({
    ...tunnel,
    flags: tunnel.flags.filter(({ letter }) => letter !== "f"),
    keywords: [...own, ...added, ...(isBehindByFile ? [{ name: "ForkAfterAuthentication", value: "no" }] : [])],
  });
}

const wanted: readonly KeywordLine[] = [
  { name: "ExitOnForwardFailure", value: "yes" },
  { name: "ServerAliveInterval", value: "15" },
  { name: "ServerAliveCountMax", value: "3" },
];
