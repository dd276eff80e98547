/**
 * Notes about the settings of a description that ssh does not have. Each note names the nearest replacement. The notes
 * are printed beside the command as comments.
 */
import { Malformed } from "../codec/malformed.ts";
import { parseRate } from "../codec/units.ts";
import { visible } from "../text/terminal-text.ts";
import { type Extra, forwardIds, type Place, type SshTunnel } from "./tunnel-description.ts";
import { legsOf, type PlannedLeg, tcpdump } from "./tunnel-legs.ts";

/** Lines of plain text. */
export function commandNotes(tunnel: SshTunnel, place: Place): readonly string[] {
  return tunnel.extras.flatMap((extra) => note(extra, tunnel, place));
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
