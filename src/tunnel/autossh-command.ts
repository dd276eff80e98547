/** A tunnel as a command line of autossh, which starts ssh again whenever ssh ends. */
import { residentWords } from "./resident-words.ts";
import { hasFlag, keywordIsOn, type SshTunnel } from "./tunnel-description.ts";

/** `-M 0`: ssh's own signs of life, not autossh's two extra ports. -f is autossh's and keeps the password from being asked. */
export function autosshWords(tunnel: SshTunnel, effective = tunnel): readonly string[] {
  const isBehind = hasFlag(tunnel, "f") || keywordIsOn(tunnel, "ForkAfterAuthentication");
  return ["autossh", "-M", "0", ...(isBehind ? ["-f"] : []), ...residentWords(tunnel, effective)];
}
