/** One `Keyword=value` of -o as it stands: its name in the spelling of ssh_config(5), its value with its quotes. */
import { Malformed } from "../../codec/malformed.ts";
import { quoted } from "../../text/terminal-text.ts";
import type { KeywordLine } from "../../tunnel/tunnel-description.ts";
import { keywords } from "./keyword.ts";

/** Keywords that porthop does not know are taken too: ssh is the one who reads them. */
export function readKeywordLine(line: string): KeywordLine {
  const [, name, value] = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*)$/s.exec(line) ?? [];
  const trimmed = value?.trim() ?? "";
  if (name === undefined || trimmed === "") throw new Malformed(`-o ${quoted(line)} is not Keyword=value`);
  return { name: spelling.get(name.toLowerCase()) ?? name, value: trimmed };
}

/** The arguments of a value, without their quotes (OpenSSH's misc.c, argv_split). */
export function argumentsOf(value: string): readonly string[] {
  return (value.match(/"(?:[^"\\]|\\.)*"|'[^']*'|\S+/g) ?? []).map((word) =>
    /^(?:".*"|'.*')$/s.test(word) ? word.slice(1, -1).replace(/\\(["\\])/g, "$1") : word,
  );
}

const others = [
  "BindInterface",
  "CertificateFile",
  "ClearAllForwardings",
  "DynamicForward",
  "ForkAfterAuthentication",
  "LocalForward",
  "RemoteForward",
  "Tunnel",
  "TunnelDevice",
];

const spelling: ReadonlyMap<string, string> = new Map(
  [...Object.keys(keywords), ...others].map((name) => [name.toLowerCase(), name]),
);
