/**
 * The settings of one host for the session with it: which host to reach and how, how long to wait, and when to give up
 * a silent server. ssh/session.ts takes this record. A setting that nobody gave has its default here.
 */
import { parseRekeyLimit } from "../codec/config/rekey-limit.ts";
import type { Destination } from "../codec/words/destination.ts";
import { currentUser } from "./current-user.ts";
import { defaults } from "./defaults.ts";
import { type Keywords, longestTimerMs } from "./file/keyword-record.ts";
import type { WaySettings } from "./way-settings.ts";

/** What the words and the files say of one host: the destination or a jump host. */
export interface HostWords {
  readonly destination: Destination;
  readonly keywords: Keywords;
  readonly way: WaySettings;
}

/** `usualTimeoutMs` is the limit for a connection of our own when nobody says one. */
export function sessionSettings(
  { destination, keywords, way }: HostWords,
  usualTimeoutMs: number | undefined = defaults.connectTimeoutMs,
) {
  const otherwiseMs = way.proxyCommand === undefined ? usualTimeoutMs : defaults.proxyCommandTimeoutMs;
  // A ConnectTimeout of 0 counts as not set, as in ssh.
  const connectTimeoutMs = keywords.time("ConnectTimeout") || otherwiseMs;
  return {
    host: keywords.text("HostName") ?? destination.host,
    port: destination.port ?? defaults.port,
    user: destination.user ?? currentUser(),
    family: addressFamily(keywords),
    /** BindAddress; undefined lets the system choose. */
    from: keywords.text("BindAddress"),
    /** BindInterface. */
    fromInterface: keywords.text("BindInterface"),
    attempts: keywords.number("ConnectionAttempts") ?? defaults.connectionAttempts,
    tcpKeepAlive: keywords.flag("TCPKeepAlive", defaults.tcpKeepAlive),
    connectTimeoutMs,
    handshakeTimeoutMs: connectTimeoutMs ?? defaults.handshakeTimeoutMs,
    loginSilenceMs: defaults.loginSilenceMs,
    keepAliveIntervalMs: keywords.time("ServerAliveInterval") ?? defaults.serverAliveIntervalMs,
    keepAliveCountMax: keywords.number("ServerAliveCountMax") ?? defaults.serverAliveCountMax,
    rekey: rekeyLimit(keywords),
    /** The lists as written; undefined stands for all that the runtime can do, best first. */
    algorithms: {
      ciphers: keywords.text("Ciphers"),
      macs: keywords.text("MACs"),
      kex: keywords.text("KexAlgorithms"),
      hostKeyAlgorithms: keywords.text("HostKeyAlgorithms"),
      compression: keywords.flag("Compression", defaults.compression),
    },
  };
}

function rekeyLimit(keywords: Keywords) {
  const { bytes, intervalMs } = parseRekeyLimit((keywords.text("RekeyLimit") ?? defaults.rekeyLimit).split(" "));
  return { bytes, intervalMs: Math.min(longestTimerMs, intervalMs) };
}

/** The only address family to use; undefined for both. */
export function addressFamily(keywords: Keywords): 4 | 6 | undefined {
  const family = (keywords.text("AddressFamily") ?? defaults.addressFamily).toLowerCase();
  return family === "inet" ? 4 : family === "inet6" ? 6 : undefined;
}
