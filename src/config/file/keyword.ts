/**
 * The ssh_config keywords that porthop understands, each with the kind of its value, with their older names, and with
 * those that collect all their values.
 */
import type { Reading } from "./keyword-value.ts";

export const keywords = {
  // What it asks for is told at a login where it would have had an effect.
  AddKeysToAgent: "agent-keys",
  AddressFamily: ["any", "inet", "inet6"],
  BatchMode: "yes-no",
  BindAddress: "host",
  BindInterface: "text",
  CASignatureAlgorithms: "publicKey",
  CertificateFile: "text",
  Ciphers: "cipher",
  ClearAllForwardings: "yes-no",
  Compression: ["yes", "no"],
  ConnectionAttempts: "count",
  ConnectTimeout: "seconds",
  // Not used yet: no connection is shared.
  ControlPath: "text",
  DynamicForward: "forward",
  EscapeChar: "escape",
  ExitOnForwardFailure: "yes-no",
  ForkAfterAuthentication: "yes-no",
  ForwardAgent: "text",
  ForwardX11: "yes-no",
  ForwardX11Timeout: "seconds",
  ForwardX11Trusted: "yes-no",
  GatewayPorts: "yes-no",
  GlobalKnownHostsFile: "list",
  HashKnownHosts: "yes-no",
  HostKeyAlgorithms: "hostKey",
  HostKeyAlias: "text",
  HostName: "name",
  IdentitiesOnly: "yes-no",
  IdentityAgent: "text",
  IdentityFile: "text",
  IgnoreUnknown: "text",
  KbdInteractiveAuthentication: "yes-no",
  KexAlgorithms: "kex",
  LocalForward: "forward",
  LogLevel: ["quiet", "fatal", "error", "info", "verbose", "debug", "debug1", "debug2", "debug3"],
  MACs: "mac",
  NumberOfPasswordPrompts: "number",
  PasswordAuthentication: "yes-no",
  PermitRemoteOpen: "remote-open",
  Port: "number",
  PreferredAuthentications: "text",
  ProxyCommand: "command",
  ProxyJump: "jumps",
  PorthopAskServer: "yes-no",
  PorthopCapture: "file",
  PorthopCheckTarget: "yes-no",
  PorthopFallback: "destination",
  PorthopHold: "duration",
  PorthopLog: ["silent", "error", "warn", "info", "debug"],
  PorthopRateLimit: "rate",
  PorthopReconnect: ["never", "auto", "always"],
  PorthopSessions: ["1", "2", "3", "4", "5", "6", "7", "8"],
  PorthopUse: "plugin",
  PubkeyAcceptedAlgorithms: "publicKey",
  PubkeyAuthentication: ["yes", "no", "true", "false", "unbound", "host-bound"],
  RekeyLimit: "rekey-limit",
  RemoteCommand: "text",
  RemoteForward: "forward",
  RequiredRSASize: "number",
  RevokedHostKeys: "list",
  RequestTTY: ["no", "yes", "force", "auto", "true", "false"],
  SendEnv: "text",
  ServerAliveCountMax: "number",
  ServerAliveInterval: "seconds",
  StreamLocalBindMask: "octal",
  StreamLocalBindUnlink: "yes-no",
  SessionType: ["none", "default", "subsystem"],
  SetEnv: "list",
  StdinNull: "yes-no",
  StrictHostKeyChecking: ["yes", "accept-new", "ask", "no", "off", "true", "false"],
  Tag: "text",
  TCPKeepAlive: "yes-no",
  User: "text",
  UpdateHostKeys: ["yes", "no", "ask", "true", "false"],
  UserKnownHostsFile: "list",
  XAuthLocation: "text",
} as const satisfies Record<string, Reading>;

export type Keyword = keyof typeof keywords;

/** Other names for a keyword (readconf.c). */
const aliases: readonly (readonly [string, Keyword])[] = [
  ["challengeresponseauthentication", "KbdInteractiveAuthentication"],
  ["skeyauthentication", "KbdInteractiveAuthentication"],
  ["dsaauthentication", "PubkeyAuthentication"],
  ["identityfile2", "IdentityFile"],
  ["keepalive", "TCPKeepAlive"],
  // Debian's own.
  ["protocolkeepalives", "ServerAliveInterval"],
  ["pubkeyacceptedkeytypes", "PubkeyAcceptedAlgorithms"],
  ["setuptimeout", "ConnectTimeout"],
  ["tisauthentication", "KbdInteractiveAuthentication"],
];

/** Keywords that collect all their values instead of keeping the first. */
export const collecting: ReadonlySet<Keyword> = new Set([
  "CertificateFile",
  "DynamicForward",
  "ForwardAgent",
  "IdentityFile",
  "LocalForward",
  "PorthopFallback",
  "PorthopUse",
  "RemoteForward",
  "SendEnv",
]);

const byLowerCase: ReadonlyMap<string, Keyword> = new Map([
  ...Object.keys(keywords).map((keyword) => [keyword.toLowerCase(), keyword as Keyword] as const),
  ...aliases,
]);

/** The keyword with this name or an older name, in any letter case. */
export function findKeyword(name: string): Keyword | undefined {
  return byLowerCase.get(name.toLowerCase());
}
