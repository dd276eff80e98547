/** What the name of a server stands for in the configuration files, in one line for a text beside a command. */
import { visible } from "../text/terminal-text.ts";
import type { SshTunnel } from "./tunnel-description.ts";
import { sshdAddress } from "./tunnel-legs.ts";

/** `vishnu stands for alice@10.0.0.1, port 2222`; undefined where the files add nothing to the words. */
export function aliasText(said: SshTunnel, effective: SshTunnel): string | undefined {
  const { host, port } = sshdAddress(effective);
  const isNamed = said.keywords.some(({ name }) => name === "HostName");
  const isOther = !isNamed && host.toLowerCase() !== said.host.toLowerCase();
  const addsUser = said.user === undefined && effective.user !== undefined;
  const addsPort = said.port === undefined && port !== 22;
  if (!isOther && !addsUser && !addsPort) return undefined;
  const target = `${effective.user === undefined ? "" : `${effective.user}@`}${host}`;
  return visible(`${said.host} stands for ${target}, port ${port}`);
}
