/**
 * What the settings of one host say of the session with it: whom to reach and how, how long to wait, when a silent server is
 * given up. The record is what ssh/session.ts takes; every field has a value, its default included.
 */
import type { Destination } from "../codec/words/destination.ts";
import { currentUser } from "./current-user.ts";
import { defaults } from "./defaults.ts";
import type { Keywords } from "./file/keyword.ts";
import type { WaySettings } from "./way-settings.ts";

/** What was said of one host, the destination or a jump host, by words and files. */
export interface HostWords {
  readonly destination: Destination;
  readonly keywords: Keywords;
  readonly way: WaySettings;
}

export function sessionSettings({ destination, keywords, way }: HostWords) {
  const otherwiseMs = way.proxyCommand === undefined ? defaults.connectTimeoutMs : defaults.proxyCommandTimeoutMs;
  // As in ssh a time of 0 is none.
  const connectTimeoutMs = keywords.time("ConnectTimeout") || otherwiseMs;
  return {
    host: keywords.text("HostName") ?? destination.host,
    port: destination.port ?? defaults.port,
    user: destination.user ?? currentUser(),
    family: addressFamily(keywords),
    /** BindAddress; undefined is the system's choice. */
    from: keywords.text("BindAddress"),
    attempts: keywords.number("ConnectionAttempts") ?? defaults.connectionAttempts,
    tcpKeepAlive: keywords.flag("TCPKeepAlive", defaults.tcpKeepAlive),
    connectTimeoutMs,
    handshakeTimeoutMs: connectTimeoutMs ?? defaults.handshakeTimeoutMs,
    keepAliveIntervalMs: keywords.time("ServerAliveInterval") ?? defaults.serverAliveIntervalMs,
    keepAliveCountMax: keywords.number("ServerAliveCountMax") ?? defaults.serverAliveCountMax,
    /** As they are written; undefined is what the runtime can do, best first. */
    algorithms: {
      ciphers: keywords.text("Ciphers"),
      macs: keywords.text("MACs"),
      kex: keywords.text("KexAlgorithms"),
      hostKeyAlgorithms: keywords.text("HostKeyAlgorithms"),
      compression: keywords.flag("Compression", defaults.compression),
    },
  };
}

/** The one family to keep to; undefined for both. */
export function addressFamily(keywords: Keywords): 4 | 6 | undefined {
  const family = (keywords.text("AddressFamily") ?? defaults.addressFamily).toLowerCase();
  return family === "inet" ? 4 : family === "inet6" ? 6 : undefined;
}
