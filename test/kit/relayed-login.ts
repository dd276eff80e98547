/** How a client logs in to an sshd through a relay before it. */

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly sshArgs: readonly string[];
}

/** The client knows the host key by sshd's own name. */
export function relayedLogin(
  relay: { readonly host: string; readonly port: number },
  { host, port, sshArgs }: Login,
): Login {
  const toRelay = sshArgs.map((word, index) => (sshArgs[index - 1] === "-p" ? String(relay.port) : word));
  return { host: relay.host, port: relay.port, sshArgs: [...toRelay, "-o", `HostKeyAlias=[${host}]:${port}`] };
}
