/**
 * ssh's own defaults, as lines of ssh_config (readconf.c, fill_default_options). A Host block needs such a line where
 * another block sets the keyword for every host. Keywords that collect values have no such line.
 */
import type { Keyword } from "./file/keyword.ts";

export const sshDefaults: Readonly<Partial<Record<Keyword, string>>> = {
  AddressFamily: "any",
  BatchMode: "no",
  ClearAllForwardings: "no",
  Compression: "no",
  ConnectTimeout: "none",
  ConnectionAttempts: "1",
  EscapeChar: "~",
  ExitOnForwardFailure: "no",
  ForwardAgent: "no",
  ForwardX11: "no",
  ForwardX11Trusted: "no",
  GatewayPorts: "no",
  HashKnownHosts: "no",
  IdentitiesOnly: "no",
  IdentityAgent: "SSH_AUTH_SOCK",
  KbdInteractiveAuthentication: "yes",
  LogLevel: "INFO",
  NumberOfPasswordPrompts: "3",
  PasswordAuthentication: "yes",
  PermitRemoteOpen: "any",
  ProxyCommand: "none",
  PubkeyAuthentication: "yes",
  RekeyLimit: "default none",
  RemoteCommand: "none",
  RequestTTY: "auto",
  ServerAliveCountMax: "3",
  ServerAliveInterval: "0",
  SessionType: "default",
  StdinNull: "no",
  StreamLocalBindMask: "0177",
  StreamLocalBindUnlink: "no",
  StrictHostKeyChecking: "ask",
  TCPKeepAlive: "yes",
  UpdateHostKeys: "yes",
  UserKnownHostsFile: "~/.ssh/known_hosts ~/.ssh/known_hosts2",
};
