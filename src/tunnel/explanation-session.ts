/**
 * The part of an explanation about the whole session: what ends
 * when, and what the server and each jump host must allow.
 */
import { isLoopback, isUnix } from "../codec/address.ts";
import { Malformed } from "../codec/malformed.ts";
import { formatDuration, parseDuration } from "../codec/units.ts";
import { type ForwardSpec, listenAddress, printForwardSpec } from "../codec/words/forward-spec.ts";
import {
  hasFlag,
  keywordIsOn,
  keywordText,
  type Place,
  type SshTunnel,
  type TunnelDescription,
} from "./tunnel-description.ts";

/** What ends when: each string is a sentence that stands alone. */
export function endings(description: TunnelDescription, { here, program }: Place): readonly string[] {
  if (description.via === "nothing") {
    return [`When ${program} ends, nobody listens any more and the open connections break. Nothing else ends them.`];
  }
  const { host, jumps = [] } = description;
  if (description.forwards.some(({ kind }) => kind === "stdio")) {
    return [`It is one connection: ${program} ends with it, and it breaks when ${program} or the network does.`];
  }
  return [
    `When ${program} ends, nobody listens any more, and every connection it carries breaks.`,
    lifetime(description, program),
    ...readiness(description, program),
    isBehind(description)
      ? `It goes on in the background when the terminal is closed, until it is killed.`
      : `When the terminal on ${here} is closed, ${program} ends with it.`,
    silence(description, program),
    ...losses(description, program),
    ...(jumps.length === 0
      ? []
      : [`When a jump host goes (${jumps.map((jump) => jump.host).join(", ")}), everything behind it goes.`]),
    `When a target or ${host} refuses one connection, only that one ends.`,
  ];
}

/**
 * What the server must allow, mostly as settings of sshd_config. Where OpenSSH's default is enough, the text says so.
 */
export function serverNeeds(description: TunnelDescription, { program }: Place): readonly string[] {
  if (description.via === "nothing") return [];
  const needs = new Set<string>();
  for (const spec of description.forwards) for (const need of needsOf(spec)) needs.add(need);
  const jumps = (description.jumps ?? []).map(({ host }) => host);
  if (jumps.length > 0)
    needs.add(`on ${jumps.join(" and ")}: AllowTcpForwarding yes (the default), to go on from there`);
  if (description.remote.kind === "none" && needs.size > 0) {
    needs.add(
      opensShell(description, program)
        ? "a shell for the user, which ssh opens beside the forwards and which /usr/sbin/nologin ends at once: with -N none is needed"
        : "no shell is needed: the user may have /usr/sbin/nologin, as long as sshd allows forwards",
    );
  }
  return [...needs];
}

function isBehind(tunnel: SshTunnel): boolean {
  return hasFlag(tunnel, "f") || keywordIsOn(tunnel, "ForkAfterAuthentication");
}

function lifetime({ remote }: SshTunnel, program: string): string {
  if (remote.kind === "command") {
    return `${program} ends when the command has ended and the last connection through it is closed.`;
  }
  if (opensShell({ remote }, program)) {
    return `${program} opens a shell on the server, and ends when you log out and the last connection is closed.`;
  }
  return `${program} runs until it is told to stop (Ctrl-C, or kill).`;
}

/** Without a command, porthop does what ssh does with -N; ssh without -N opens a shell. */
function opensShell({ remote }: Pick<SshTunnel, "remote">, program: string): boolean {
  return remote.kind === "shell" || (remote.kind === "none" && remote.implied && program !== "porthop");
}

/** The server is given up at interval x (count + 1) after its last bytes. porthop asks by itself, and ssh does not. */
function silence(tunnel: SshTunnel, program: string): string {
  const begin = "When the network fails in silence";
  const interval = keywordText(tunnel, "ServerAliveInterval");
  const count = keywordText(tunnel, "ServerAliveCountMax");
  if (program !== "ssh" && interval === undefined && count === undefined) {
    return `${begin}, it is noticed after about a minute.`;
  }
  if (interval === undefined && program === "ssh") return `${begin}, nobody notices: ServerAliveInterval is not set.`;
  const intervalMs = interval === undefined ? 15_000 : durationOf(interval);
  if (intervalMs === 0) return `${begin}, nobody notices: ServerAliveInterval is ${interval}.`;
  const every = formatDuration(intervalMs);
  const questions = Number(count ?? 3);
  if (questions === 0) {
    return `When nothing comes from the server for ${every}, ${program} ends the session without a question: ServerAliveCountMax is 0.`;
  }
  const noticed = formatDuration(intervalMs * (questions + 1));
  const unanswered =
    questions === 1 ? "1 unanswered question" : `${questions} unanswered questions, one every ${every}`;
  return `${begin}, it is noticed ${noticed} after the last sign of life: after ${unanswered}.`;
}

/** What a loss of the session means. ssh has no --reconnect and no --fallback. */
function losses(tunnel: SshTunnel, program: string): readonly string[] {
  if (program !== "porthop") return [`When the session is lost, ${program} ends.`];
  const reconnect = lastOf(tunnel, "reconnect") ?? "auto";
  const isOnce = tunnel.remote.kind === "command" || opensShell(tunnel, program);
  // A command alone has one session, whatever was said.
  const sessions = isOnce && tunnel.forwards.length === 0 ? "1" : (lastOf(tunnel, "sessions") ?? "1");
  if (isOnce || reconnect === "never") {
    const loss =
      sessions === "1"
        ? "When the session is lost, porthop ends."
        : `There are ${sessions} sessions: a lost one is not made again, and porthop ends with the last.`;
    return [loss, ...fallbackSentences(tunnel)];
  }
  const all = sessions === "1" ? "the session is" : "all sessions are";
  return [
    `When ${all} lost, the open connections break and porthop connects again${meanwhile(tunnel)}.`,
    ...(reconnect === "always" ? ["The first connection is tried again and again too."] : []),
    ...(sessions === "1" ? [] : [`There are ${sessions} sessions: ${lossOfOne(tunnel)}.`]),
    ...fallbackSentences(tunnel),
  ];
}

function lossOfOne({ forwards }: SshTunnel): string {
  const breaks = "the loss of one breaks only the connections in it";
  return forwards.some(({ side }) => side === "server") ? `${breaks}, and what listens on the server moves on` : breaks;
}

/** What a new connection meets while there is no session. A listener of the server goes with the session. */
function meanwhile(tunnel: SshTunnel): string {
  const sides = new Set(tunnel.forwards.map(({ side }) => side));
  const holdMs = durationOf(lastOf(tunnel, "hold") ?? "30s");
  const isRefused = holdMs === 0;
  const wait = `wait for it, up to ${formatDuration(holdMs)}`;
  if (!sides.has("server")) return isRefused ? "; until then new ones are refused" : `; new ones ${wait}`;
  if (!sides.has("here")) return "; until then nobody listens on the server";
  return isRefused
    ? "; until then new ones here are refused, and nobody listens on the server"
    : `; new ones here ${wait}; on the server nobody listens until then`;
}

function readiness({ extras, forwards }: SshTunnel, program: string): readonly string[] {
  const isChecked = program === "porthop" && extras.some(({ name }) => name === "check-target");
  const hasTarget = forwards.some(({ connect }) => connect !== undefined);
  return isChecked && hasTarget ? ["porthop is ready only when each target was reached once."] : [];
}

function lastOf({ extras }: SshTunnel, wanted: string): string | undefined {
  return extras.findLast(({ name }) => name === wanted)?.value?.toLowerCase();
}

/** What was typed was read before: a duration, or `none` for a time of ssh's. */
function durationOf(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return 0;
  }
}

function fallbackSentences({ host, extras }: SshTunnel): readonly string[] {
  const names = extras.flatMap(({ name, value = "" }) => (name === "fallback" ? [value] : []));
  const end = names.findIndex((name) => name.toLowerCase() === "none");
  const used = end === -1 ? names : names.slice(0, end);
  return used.length === 0 ? [] : [`When ${host} cannot be reached, porthop goes to ${used.join(", then to ")}.`];
}

function needsOf(spec: ForwardSpec): readonly string[] {
  const listen = listenAddress(spec);
  const { connect } = spec;
  const needs: string[] = [];
  if (spec.side === "server") {
    if (listen !== undefined && isUnix(listen)) {
      needs.push("AllowStreamLocalForwarding yes or remote (yes is the default)");
      needs.push("StreamLocalBindUnlink yes, or the socket file of the last time is in the way");
      return needs;
    }
    needs.push("AllowTcpForwarding yes or remote (yes is the default)");
    if (listen === undefined) return needs;
    needs.push(
      `PermitListen has to let ${listen.port === 0 ? "any port" : `port ${listen.port}`} through, where it is set`,
    );
    if (!isLoopback(listen.host))
      needs.push("GatewayPorts clientspecified (the default is no: then only loopback listens)");
    if (listen.port > 0 && listen.port < 1024) needs.push(`a login as root: port ${listen.port} is below 1024`);
    return needs;
  }
  if (connect !== undefined && isUnix(connect)) {
    return [
      "AllowStreamLocalForwarding yes or local (yes is the default)",
      `the user has to be allowed to open ${connect.path}`,
    ];
  }
  needs.push("AllowTcpForwarding yes or local (yes is the default)");
  const target =
    connect === undefined ? "every target" : printForwardSpec({ kind: "stdio", listen: undefined, connect });
  needs.push(`PermitOpen has to let ${target} through, where it is set`);
  return needs;
}
