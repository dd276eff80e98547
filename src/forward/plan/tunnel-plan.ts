/** From settings to a tunnel's plan: defaults filled in as ssh has them, `~` and user names resolved. */
import { homedir } from "node:os";
import { parseRemoteOpen, type RemoteOpenRules } from "../../codec/config/remote-open.ts";
import { underHome } from "../../codec/home-path.ts";
import type { Destination } from "../../codec/words/destination.ts";
import { currentUser } from "../../config/current-user.ts";
import type { RunSettings } from "../../config/run-settings.ts";
import type { StandardStreams } from "../../io/stdio.ts";
import type { Logger } from "../../plugin.ts";
import { lackingAlgorithms } from "../../ssh/algorithm/algorithms.ts";
import type { TerminalRequest } from "../../ssh/channel/session-channel.ts";
import { acceptedAlgorithms, authoritySignatures } from "../../ssh/login/accepted-algorithms.ts";
import type { Prompter } from "../../ssh/prompter.ts";
import type { SessionSettings } from "../../ssh/session.ts";
import { establishTrust, type TrustSettings } from "../../ssh/trust.ts";
import type { TunnelPlan } from "../tunnel.ts";
import { addressFamily, hereOptions, preparedPlugins } from "./here-plan.ts";
import { type ConfiguredHop, planWay } from "./way-plan.ts";

export interface PlanDeps {
  readonly log: Logger;
  readonly prompter: Prompter | undefined;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** What a command with a terminal asks the server for. */
  readonly terminal?: TerminalRequest | undefined;
  /** For -W. */
  readonly streams?: StandardStreams | undefined;
}

/** With a session, which a relay has not. */
export interface SshPlan extends TunnelPlan {
  readonly session: SessionSettings;
  readonly trust: NonNullable<TunnelPlan["trust"]>;
}

export async function planTunnel(settings: RunSettings, deps: PlanDeps): Promise<SshPlan> {
  const session = sessionSettings(settings);
  // A name that porthop does not have is told before anything is connected.
  for (const warning of lackingAlgorithms(session.algorithms)) deps.log.warn(warning);
  // The host key belongs to the host that HostName says, and not to what was typed (ssh.c hands it to ssh_login).
  const known = { host: session.host, port: session.port, user: session.user };
  const trust = trustSettings(settings);
  const jumpTrust = { ...trust, hostKeys: { ...trust.hostKeys, hostKeyAlias: undefined } };
  const way = planWay(settings, session, {
    environment: deps.environment,
    trustOf: (jump) => (ssh2, address) => establishTrust(ssh2, { ...jump, address }, jumpTrust, deps),
    hopOf: settings.hopSettings === undefined ? undefined : (jump) => configuredHop(jump, settings, deps),
  });
  return {
    session,
    trust: (ssh2, address) => establishTrust(ssh2, { ...known, address }, trust, deps),
    way,
    forwards: settings.forwards,
    plugins: await preparedPlugins(settings.plugins),
    exitOnForwardFailure: settings.keywords.flag("ExitOnForwardFailure", true),
    remoteOpen: remoteOpenRules(settings),
    here: hereOptions(settings, deps.streams),
    asksServer: settings.asksServer,
    command:
      settings.remote === undefined
        ? undefined
        : { settings: settings.remote, terminal: deps.terminal, environment: deps.environment },
  };
}

/** A jump host with its own settings of the configuration. */
function configuredHop(jump: Destination, { hopSettings }: RunSettings, deps: PlanDeps): ConfiguredHop {
  if (hopSettings === undefined) throw new Error("no configuration was read");
  const own = hopSettings(jump);
  const session = sessionSettings(own);
  // What is compressed inside is not compressed once more on the way.
  const settings = { ...session, isJump: true, algorithms: { ...session.algorithms, compression: false } };
  const { host, port, user } = settings;
  const trust = trustSettings(own);
  return {
    own,
    settings,
    trust: (ssh2, address) => establishTrust(ssh2, { host, port, user, address }, trust, deps),
  };
}

function remoteOpenRules({ keywords }: RunSettings): RemoteOpenRules | undefined {
  const words = keywords.list("PermitRemoteOpen");
  return words === undefined ? undefined : parseRemoteOpen(words);
}

function sessionSettings({
  destination,
  keywords,
  way,
}: Pick<RunSettings, "destination" | "keywords" | "way">): SessionSettings {
  return {
    host: keywords.text("HostName") ?? destination.host,
    port: destination.port ?? 22,
    user: destination.user ?? currentUser(),
    family: addressFamily(keywords),
    from: keywords.text("BindAddress"),
    attempts: keywords.number("ConnectionAttempts"),
    tcpKeepAlive: keywords.flag("TCPKeepAlive", true),
    connectTimeoutMs: keywords.time("ConnectTimeout") || (way.proxyCommand === undefined ? undefined : commandMs),
    // ssh's default is never, and then a dead network is noticed by nobody.
    keepAliveIntervalMs: keywords.time("ServerAliveInterval") ?? 30_000,
    keepAliveCountMax: keywords.number("ServerAliveCountMax") ?? 3,
    algorithms: {
      ciphers: keywords.text("Ciphers"),
      macs: keywords.text("MACs"),
      kex: keywords.text("KexAlgorithms"),
      hostKeyAlgorithms: keywords.text("HostKeyAlgorithms"),
      compression: keywords.flag("Compression", false),
    },
  };
}

/** A ProxyCommand may have questions of its own before sshd is heard; sshd itself waits as long (LoginGraceTime). */
const commandMs = 120_000;

function trustSettings({ keywords, identityFiles }: Pick<RunSettings, "keywords" | "identityFiles">): TrustSettings {
  const home = homedir();
  return {
    hostKeys: {
      strict: strictness(keywords.text("StrictHostKeyChecking")?.toLowerCase() ?? "ask"),
      userFiles: (keywords.list("UserKnownHostsFile") ?? ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]).map((path) =>
        underHome(path, home),
      ),
      globalFiles: (
        keywords.list("GlobalKnownHostsFile") ?? ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
      ).map((path) => underHome(path, home)),
      hostKeyAlias: keywords.text("HostKeyAlias"),
      revokedFile: pathUnder(keywords.text("RevokedHostKeys"), home),
      authoritySignatures: authoritySignatures(keywords.text("CASignatureAlgorithms")),
      hashKnownHosts: keywords.flag("HashKnownHosts", false),
      update: hostKeyUpdate(keywords.text("UpdateHostKeys")?.toLowerCase(), keywords.list("UserKnownHostsFile"), home),
    },
    identities: {
      flagFiles: identityFiles.map((path) => underHome(path, home)),
      configFiles: keywords.all("IdentityFile").map((path) => underHome(path, home)),
      certificateFiles: keywords.all("CertificateFile").map((path) => underHome(path, home)),
      places: new Map([...keywords.placesOf("IdentityFile"), ...keywords.placesOf("CertificateFile")]),
      home,
    },
    authentication: {
      pubkeyAuthentication: keywords.flag("PubkeyAuthentication", true),
      passwordAuthentication: keywords.flag("PasswordAuthentication", true),
      kbdInteractiveAuthentication: keywords.flag("KbdInteractiveAuthentication", true),
      batchMode: keywords.flag("BatchMode", false),
      acceptedAlgorithms: acceptedAlgorithms(keywords.text("PubkeyAcceptedAlgorithms")),
      preferred: keywords.text("PreferredAuthentications")?.split(","),
      addsToAgent: !/^(no|false)$/i.test(keywords.text("AddKeysToAgent") ?? "no"),
      identitiesOnly: keywords.flag("IdentitiesOnly", false),
      passwordPrompts: keywords.number("NumberOfPasswordPrompts"),
    },
    identityAgent: pathUnder(keywords.text("IdentityAgent"), home),
    // ssh's own default (SSH_RSA_MINIMUM_MODULUS_SIZE).
    requiredRsaBits: keywords.number("RequiredRSASize") ?? 1024,
  };
}

/** ssh_config(5): on, unless the user keeps host keys in files of their own. */
function hostKeyUpdate(
  text: string | undefined,
  ownFiles: readonly string[] | undefined,
  home: string,
): TrustSettings["hostKeys"]["update"] {
  const isDefault = ownFiles?.every((path) => underHome(path, home) === underHome("~/.ssh/known_hosts", home));
  if (text === undefined) return isDefault === false ? "no" : "yes";
  return text === "ask" ? text : text === "yes" || text === "true" ? "yes" : "no";
}

function pathUnder(text: string | undefined, home: string): string | undefined {
  return text === undefined ? undefined : underHome(text, home);
}

/** readconf.c, multistate_strict_hostkey: `true` is yes, and `false` and `off` are no. */
function strictness(text: string): TrustSettings["hostKeys"]["strict"] {
  if (text === "ask" || text === "accept-new") return text;
  return text === "yes" || text === "true" ? "yes" : "no";
}
