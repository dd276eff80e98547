/** From settings to a tunnel's plan: defaults filled in as ssh has them, `~` and user names resolved. */
import { homedir } from "node:os";
import { join } from "node:path";
import { currentUser } from "../config/current-user.ts";
import type { RunSettings } from "../config/run-settings.ts";
import type { Logger } from "../plugin.ts";
import { sessionAlgorithms } from "../ssh/algorithms.ts";
import type { Prompter } from "../ssh/prompter.ts";
import type { SessionSettings } from "../ssh/session.ts";
import { establishTrust, type TrustSettings } from "../ssh/trust.ts";
import { preparePlugin } from "./plugin-list.ts";
import type { TunnelPlan } from "./tunnel.ts";

export interface PlanDeps {
  readonly log: Logger;
  readonly prompter: Prompter | undefined;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

export async function planTunnel(settings: RunSettings, deps: PlanDeps): Promise<TunnelPlan> {
  const session = sessionSettings(settings);
  // A name that porthop does not have is told before anything is connected.
  sessionAlgorithms(session.algorithms);
  // The host key belongs to the name that the user typed, as in ssh, whatever HostName says.
  const known = { host: settings.destination.host, port: session.port, user: session.user };
  const trust = trustSettings(settings);
  const plugins = [...settings.plugins];
  // One line for each flow, unless the chain says where the log stands in it.
  if (!plugins.some(({ name }) => name === "log")) plugins.unshift({ name: "log", isFile: false, options: new Map() });
  return {
    session,
    trust: (ssh2, address) => establishTrust(ssh2, { ...known, address }, trust, deps),
    forwards: settings.forwards,
    plugins: await Promise.all(plugins.map(preparePlugin)),
    exitOnForwardFailure: settings.keywords.flag("ExitOnForwardFailure", true),
  };
}

function sessionSettings({ destination, keywords, nagleCure }: RunSettings): SessionSettings {
  const family = keywords.text("AddressFamily")?.toLowerCase();
  return {
    host: keywords.text("HostName") ?? destination.host,
    port: destination.port ?? 22,
    user: destination.user ?? currentUser(),
    family: family === "inet" ? 4 : family === "inet6" ? 6 : undefined,
    connectTimeoutMs: keywords.time("ConnectTimeout") || undefined,
    // ssh's default is never, and then a dead network is noticed by nobody.
    keepAliveIntervalMs: keywords.time("ServerAliveInterval") ?? 30_000,
    keepAliveCountMax: keywords.number("ServerAliveCountMax") ?? 3,
    algorithms: {
      ciphers: keywords.text("Ciphers"),
      macs: keywords.text("MACs"),
      kex: keywords.text("KexAlgorithms"),
      compression: keywords.flag("Compression", false),
    },
    nagleCure,
  };
}

function trustSettings({ keywords, identityFiles }: RunSettings): TrustSettings {
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
      hashKnownHosts: keywords.flag("HashKnownHosts", false),
    },
    identities: {
      flagFiles: identityFiles.map((path) => underHome(path, home)),
      configFiles: keywords.all("IdentityFile").map((path) => underHome(path, home)),
      home,
    },
    authentication: {
      pubkeyAuthentication: keywords.flag("PubkeyAuthentication", true),
      passwordAuthentication: keywords.flag("PasswordAuthentication", true),
      kbdInteractiveAuthentication: keywords.flag("KbdInteractiveAuthentication", true),
      batchMode: keywords.flag("BatchMode", false),
      identitiesOnly: keywords.flag("IdentitiesOnly", false),
      passwordPrompts: keywords.number("NumberOfPasswordPrompts"),
    },
    identityAgent: keywords.text("IdentityAgent"),
  };
}

/** readconf.c, multistate_strict_hostkey: `true` is yes, and `false` and `off` are no. */
function strictness(text: string): TrustSettings["hostKeys"]["strict"] {
  if (text === "ask" || text === "accept-new") return text;
  return text === "yes" || text === "true" ? "yes" : "no";
}

function underHome(path: string, home: string): string {
  if (path === "~") return home;
  return path.startsWith("~/") ? join(home, path.slice(2)) : path;
}
