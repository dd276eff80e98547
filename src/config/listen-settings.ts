/**
 * How this machine listens and dials, for a tunnel and for a relay, and what happens when a listener cannot be set up. Every
 * field has a value, its default included.
 */
import type { Network } from "../codec/cidr.ts";
import { parseRemoteOpen, type RemoteOpenRules } from "../codec/config/remote-open.ts";
import { defaults } from "./defaults.ts";
import type { Keywords } from "./file/keyword.ts";
import { addressFamily } from "./session-settings.ts";

export interface ListenSettings {
  /** The one family to keep to; undefined for both. */
  readonly family: 4 | 6 | undefined;
  /** Who may connect by TCP; undefined is everybody. */
  readonly allowFrom: readonly Network[] | undefined;
  /** The file of a unix socket: the rights that it does not get, and whether it takes the place of another one. */
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

/** A listener that cannot be set up ends all. */
export function exitsOnForwardFailure({ keywords }: Pick<ListenWords, "keywords">): boolean {
  return keywords.flag("ExitOnForwardFailure", defaults.exitOnForwardFailure);
}

/** What a reverse dynamic forward may be asked for; undefined is anything. */
export function remoteOpenRules({ keywords }: Pick<ListenWords, "keywords">): RemoteOpenRules | undefined {
  const words = keywords.list("PermitRemoteOpen") ?? defaults.permitRemoteOpen;
  return words === undefined ? undefined : parseRemoteOpen(words);
}

/** For each address of a target that a relay dials: ConnectTimeout is the target's there, for there is no sshd to reach. */
export function relayDialTimeoutMs({ keywords }: Pick<ListenWords, "keywords">): number | undefined {
  return keywords.time("ConnectTimeout") || defaults.connectTimeoutMs;
}
