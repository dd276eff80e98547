/**
 * Notes about the settings of a description that ssh does not have. Each note names the nearest replacement. The notes
 * are printed beside the command as comments.
 */
import { Malformed } from "../codec/malformed.ts";
import { parseDuration, parseRate } from "../codec/units.ts";
import { visible } from "../text/terminal-text.ts";
import { type Extra, forwardIds, type Place, type SshTunnel } from "./tunnel-description.ts";
import { legsOf, type PlannedLeg, tcpdump } from "./tunnel-legs.ts";

/** Who starts ssh again when ssh ends. */
export type Restarter = "autossh" | "systemd";

/** Lines of plain text. `restarter` is given where the command is one for that program. */
export function commandNotes(tunnel: SshTunnel, place: Place, restarter?: Restarter): readonly string[] {
  const first = tunnel.extras.find(({ name }) => name === "fallback");
  return tunnel.extras.flatMap((extra) => [
    ...note(extra, tunnel, place),
    ...linkNote(extra, restarter),
    ...(extra === first ? fallbackNotes(tunnel.extras) : []),
  ]);
}

/** The notes as comments: `#` begins a comment in a shell, in ssh_config and in a systemd unit. */
export function commentLines(notes: readonly string[]): readonly string[] {
  return notes.map((text) => `# ${visible(text)}`);
}

function note({ name, value = "" }: Extra, tunnel: SshTunnel, place: Place): readonly string[] {
  if (name === "capture") return captureNotes(value, tunnel, place);
  if (name === "rate-limit") return [`ssh limits no rate (--rate-limit ${value}): ${limiter(value)}`];
  if (name === "allow-from") {
    return [`ssh lets everybody in who reaches the port (--allow-from ${value}): a firewall rule keeps others out`];
  }
  if (name === "use") return [`ssh has no plugins (--use ${value}): its -v says when a connection opens`];
  // What is left is about what porthop says and writes itself.
  return [];
}

/** Notes about how the link to the server is kept. */
function linkNote({ name, value = "" }: Extra, restarter: Restarter | undefined): readonly string[] {
  if (name === "reconnect") return reconnectNotes(value, restarter);
  if (name === "hold" && isTime(value)) {
    return [`ssh lets no connection wait (--hold ${value}): while the session is away, nobody listens`];
  }
  if (name === "sessions" && value !== "1") {
    return [`ssh has one session for all forwards (--sessions ${value}): for more, start another ssh with other ports`];
  }
  if (name === "check-target") return ["ssh tries no target by itself (--check-target): porthop check does"];
  return [];
}

/** One note for all of them. `none` ends the list. */
function fallbackNotes(extras: readonly Extra[]): readonly string[] {
  const names = extras.flatMap(({ name, value = "" }) => (name === "fallback" ? [value] : []));
  const end = names.findIndex((name) => name.toLowerCase() === "none");
  const used = end === -1 ? names : names.slice(0, end);
  if (used.length === 0) return [];
  const options = used.map((name) => `--fallback ${name}`).join(" ");
  const next = used.join(" behind it, then with ");
  return [
    `ssh goes to one server only (${options}): for the next, write || and the same command with ${next} behind it`,
  ];
}

function reconnectNotes(value: string, restarter: Restarter | undefined): readonly string[] {
  const option = `(--reconnect ${value})`;
  const isWanted = value.toLowerCase() !== "never";
  if (restarter === undefined) {
    return isWanted
      ? [`ssh does not connect again ${option}: autossh and a systemd unit start it again (--format)`]
      : [];
  }
  if (!isWanted) return [`${restarter} starts ssh again whenever it ends ${option}: the plain ssh command ends`];
  if (restarter === "systemd" || value.toLowerCase() !== "always") return [];
  return [`autossh gives up where the first try fails ${option}: not with AUTOSSH_GATETIME=0 in its environment`];
}

/** Whether it is a time, and not 0. */
function isTime(text: string): boolean {
  try {
    return parseDuration(text) > 0;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return true;
  }
}

/** The trickle command for a rate. trickle counts in KB per second. */
function limiter(rate: string): string {
  try {
    const kilobytes = Math.max(1, Math.round(parseRate(rate) / 1000));
    return `trickle -s -u ${kilobytes} -d ${kilobytes} before the command is the nearest`;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return "trickle before the command is the nearest";
  }
}

function captureNotes(file: string, tunnel: SshTunnel, place: Place): readonly string[] {
  const ids = forwardIds(tunnel.forwards);
  const isOne = tunnel.forwards.length === 1;
  const lines = tunnel.forwards.flatMap((spec, index) =>
    // All forwards share leg 2: only the first forward's notes have it.
    legsOf(tunnel, spec, place)
      .filter(({ leg }) => leg !== 2 || index === 0)
      .map((leg, at) => captureNote(leg, isOne || leg.leg === 2 ? "" : `${ids[index]}-`, leg.leg === 2 ? at : 1)),
  );
  return [`ssh records nothing (--capture ${file}); the nearest is tcpdump on each leg, as root:`, ...lines];
}

/** `hop` counts the connections of leg 2, from 1. */
function captureNote(leg: PlannedLeg, prefix: string, hop: number): string {
  const name = `${prefix}leg${leg.leg}${hop > 1 ? `-hop${hop}` : ""}.pcap`;
  const command = tcpdump(leg, name);
  if (command === undefined) return `  leg ${leg.leg} has no packets to record: ${leg.to}`;
  return `  on ${leg.machine}: ${command}`;
}
