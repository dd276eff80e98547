/**
 * Decides which servers a session believes and how the session proves the user's identity. Built from known_hosts, key
 * files and the agent.
 */
import type { Logger } from "../plugin.ts";
import { type HostKeyUpdate, updateHostKeys } from "./host/host-key-update.ts";
import { type HostKeySettings, type HostKeys, loadHostKeys } from "./host/host-keys.ts";
import { refuseRevoked } from "./host/revoked-keys.ts";
import { refuseShort } from "./host/short-key.ts";
import { Agent, agentSocket } from "./login/agent.ts";
import { type AuthSettings, createAuthHandler } from "./login/authentication.ts";
import type { IdentitySettings } from "./login/identity.ts";
import { KeyRing } from "./login/key-ring.ts";
import type { Trust } from "./login.ts";
import type { Prompter } from "./prompter.ts";
import type { AskTrust } from "./session.ts";
import type { Peer } from "./ssh-failure.ts";
import type { Ssh2 } from "./ssh2/loading.ts";

export interface TrustSettings {
  readonly hostKeys: HostKeySettings;
  readonly identities: IdentitySettings;
  readonly authentication: AuthSettings;
  /** IdentityAgent, as in ssh_config. */
  readonly identityAgent: string;
  /** RequiredRSASize: shorter RSA keys are believed from no server, and offered to none. */
  readonly requiredRsaBits: number;
}

export interface TrustDeps {
  readonly log: Logger;
  readonly prompter: Prompter | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/** What belongs to one connection with the host. */
interface Connection {
  readonly keys: KeyRing;
  /** Fires when the connection is over. */
  readonly signal: AbortSignal;
}

/**
 * Asks for trust anew for each connection with this host: files may have changed. Keys that a passphrase has opened
 * stay open in it.
 */
export function trustFor(host: Peer & { readonly user: string }, settings: TrustSettings, deps: TrustDeps): AskTrust {
  const keys = new KeyRing(settings.identities, deps.log);
  return (ssh2, address, over) => establishTrust(ssh2, { ...host, address }, settings, { ...deps, keys, signal: over });
}

async function establishTrust(
  ssh2: Ssh2,
  peer: Peer & { readonly user: string; readonly address: string | undefined },
  settings: TrustSettings,
  deps: TrustDeps & Connection,
): Promise<Trust> {
  const { log, prompter, environment, signal, keys } = deps;
  const asked = settings.authentication.batchMode ? undefined : prompter;
  const [hostKeys, identities] = await Promise.all([
    loadHostKeys(peer.host, peer.port, settings.hostKeys, { prompter: asked, log, address: peer.address }),
    keys.read(),
  ]);
  const socket = agentSocket(settings.identityAgent, environment);
  const agent = socket === undefined ? undefined : new Agent(ssh2, socket);
  const login = { user: peer.user, host: peer.host, port: peer.port };
  const authentication = createAuthHandler(settings.authentication, login, {
    ssh2,
    log,
    prompter: asked,
    identities,
    agent,
    requiredRsaBits: settings.requiredRsaBits,
    signal,
  });
  return {
    hostKeyTypes: hostKeys.knownAlgorithms,
    hasAuthority: hostKeys.hasAuthority,
    async verify(blob) {
      refuseShort(blob, hostKeys.name, settings.requiredRsaBits);
      await refuseRevoked(blob, hostKeys.name, settings.hostKeys.revokedFiles);
      await hostKeys.verify(blob, signal);
    },
    authHandler: authentication.handler,
    attach: (ports) => {
      authentication.attach(ports);
      updateHostKeys(ports, hostKeyUpdate(hostKeys, settings.hostKeys, asked, deps));
    },
    grounds: { hostKey: () => hostKeys.grounds, login: () => authentication.grounds },
    needs: () => authentication.needs,
    authFailure: (cause) => authentication.failure(cause),
  };
}

/** As with ssh, UpdateHostKeys `ask` changes nothing when there is nobody to ask. */
function hostKeyUpdate(
  hostKeys: HostKeys,
  { update, userFiles, hashKnownHosts }: HostKeySettings,
  asked: Prompter | undefined,
  { log, signal }: TrustDeps & Connection,
): HostKeyUpdate | undefined {
  if (update === undefined || update === "no" || (update === "ask" && asked === undefined)) return undefined;
  return {
    name: hostKeys.name,
    files: userFiles.filter((path) => path.toLowerCase() !== "none"),
    hashed: hashKnownHosts,
    prompter: update === "ask" ? asked : undefined,
    log,
    signal,
    isTrusted: () => hostKeys.isTrusted,
  };
}
