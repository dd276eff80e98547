/**
 * A tunnel together with what ~/.ssh/config says of its server, for what ssh's own configuration does not reach: a text for
 * people, another program, a Host of another name.
 */
import { quoteArgument } from "../codec/config/config-line.ts";
import { parseJumpList } from "../codec/words/jump-list.ts";
import { type KeywordLine, keywordText, type SshTunnel } from "../tunnel/tunnel-description.ts";
import type { ConfigSources } from "./file/config-sources.ts";
import { type Keyword, Keywords } from "./file/keyword.ts";
import { effectiveSettings } from "./file/ssh-config.ts";

/** Where it really goes: address, user, port and jump hosts. */
export function resolved(tunnel: SshTunnel, sources: ConfigSources): SshTunnel {
  const { host, keywords } = settingsOf(tunnel, sources);
  const jumps = keywords.text("ProxyJump");
  return {
    ...tunnel,
    user: tunnel.user ?? keywords.text("User"),
    port: tunnel.port ?? keywords.number("Port"),
    jumps: tunnel.jumps ?? (jumps === undefined ? undefined : parseJumpList(jumps)),
    keywords: [...unsaid(host === tunnel.host ? [] : [line("HostName", host)], tunnel), ...tunnel.keywords],
  };
}

/** Names and settings as ssh puts them in; tokens were filled in only in names of files. */
const copied: readonly Keyword[] = [
  "HostKeyAlias",
  "IdentitiesOnly",
  "ProxyJump",
  "ProxyCommand",
  "StrictHostKeyChecking",
];
const copiedFiles: readonly Keyword[] = ["CertificateFile", "IdentityAgent"];

/** The same for a Host called `name`: what holds for the server and would not for that. */
export function spelledOut(tunnel: SshTunnel, name: string, sources: ConfigSources): SshTunnel {
  const { host, keywords } = settingsOf(tunnel, sources);
  const other = effectiveSettings(name, new Keywords(), sources).keywords;
  const missing = (keyword: Keyword) => (other.text(keyword) === undefined ? keywords.text(keyword) : undefined);
  const lines = (list: readonly Keyword[], write: (value: string) => string) =>
    list.flatMap((keyword) => {
      const value = missing(keyword);
      return value === undefined ? [] : [line(keyword, write(value))];
    });
  const isJump = tunnel.jumps !== undefined;
  const known = missing("UserKnownHostsFile") === undefined ? undefined : keywords.list("UserKnownHostsFile");
  const port = missing("Port");
  const identities = keywords.all("IdentityFile").filter((file) => !other.all("IdentityFile").includes(file));
  const found = [
    ...(host === tunnel.host ? [] : [line("HostName", host.replaceAll("%", "%%"))]),
    ...lines(
      copied.filter((keyword) => !isJump || !keyword.startsWith("Proxy")),
      (value) => value,
    ),
    ...lines(copiedFiles, fileWord),
    ...(known === undefined ? [] : [line("UserKnownHostsFile", known.map(fileWord).join(" "))]),
  ];
  return {
    ...tunnel,
    user: tunnel.user ?? missing("User"),
    port: tunnel.port ?? (port === undefined ? undefined : Number(port)),
    identities: [...tunnel.identities, ...identities.map((file) => ({ file: fileWord(file), by: "keyword" as const }))],
    keywords: [...unsaid(found, tunnel), ...tunnel.keywords],
  };
}

function settingsOf({ host, configFile }: SshTunnel, sources: ConfigSources) {
  return effectiveSettings(host, new Keywords(), sources, configFile);
}

/** What the tunnel itself says counts before any file. */
function unsaid(lines: readonly KeywordLine[], tunnel: SshTunnel): readonly KeywordLine[] {
  return lines.filter(({ name }) => keywordText(tunnel, name) === undefined);
}

function line(name: string, value: string): KeywordLine {
  return { name, value };
}

function fileWord(file: string): string {
  return quoteArgument(file.replaceAll("%", "%%"));
}
