/**
 * How this machine listens and dials, for a tunnel and for a relay, and what happens when a listener cannot be set up.
 * A setting that nobody gave has its default here.
 */
import type { Network } from "../codec/cidr.ts";
import { parseRemoteOpen, type RemoteOpenRules } from "../codec/config/remote-open.ts";
import { defaults } from "./defaults.ts";
import type { Keywords } from "./file/keyword-record.ts";
import { addressFamily } from "./session-settings.ts";

export interface ListenSettings {
  /** The only address family to use; undefined for both. */
  readonly family: 4 | 6 | undefined;
  /** The networks that may connect by TCP; undefined lets everybody connect. */
  readonly allowFrom: readonly Network[] | undefined;
  /**
   * For the file of a unix socket: the rights that the file does not get, and whether it replaces an existing socket.
   */
  readonly unix: { readonly mask: number; readonly unlink: boolean };
}

export interface ListenWords {
  readonly keywords: Keywords;
  readonly allowFrom: readonly Network[] | undefined;
}

export function listenSettings({ keywords, allowFrom }: ListenWords): ListenSettings {
  return {
    family: addressFamily(keywords),
    allowFrom,
    unix: {
      mask: keywords.octal("StreamLocalBindMask") ?? defaults.streamLocalBindMask,
      unlink: keywords.flag("StreamLocalBindUnlink", defaults.streamLocalBindUnlink),
    },
  };
}

/** Whether a listener that cannot be set up ends the tunnel or relay. */
export function exitsOnForwardFailure({ keywords }: Pick<ListenWords, "keywords">): boolean {
  return keywords.flag("ExitOnForwardFailure", defaults.exitOnForwardFailure);
}

/** The targets that clients of a reverse dynamic forward may ask for; undefined allows any target. */
export function remoteOpenRules({ keywords }: Pick<ListenWords, "keywords">): RemoteOpenRules | undefined {
  const words = keywords.list("PermitRemoteOpen") ?? defaults.permitRemoteOpen;
  return words === undefined ? undefined : parseRemoteOpen(words);
}

/**
 * The time limit for each address that a relay dials; undefined for the system's own limit. A relay reaches no sshd, so
 * that ConnectTimeout is for the target.
 */
export function relayDialTimeoutMs({ keywords }: Pick<ListenWords, "keywords">): number | undefined {
  return keywords.time("ConnectTimeout") || defaults.connectTimeoutMs;
}
