/**
 * The common mistakes of forwarding, found without trying anything, each with what the user probably wants instead. A
 * warning is for something that will fail or is a danger, a note for something that surprises.
 */
import { isUnix } from "../codec/address.ts";
import { type ForwardSpec, listenAddress } from "../codec/words/forward-spec.ts";
import { forwardMistakes } from "./forward-mistakes.ts";
import { isThisMachine, loopsIn } from "./loops.ts";
import {
  forwardIds,
  hasFlag,
  keywordIsOn,
  keywordText,
  opensGateway,
  type Place,
  type SshTunnel,
  type TunnelDescription,
} from "./tunnel-description.ts";
import { sshdAddress } from "./tunnel-legs.ts";

export interface Mistake {
  readonly level: "warning" | "note";
  /** A short name that never changes, for scripts: `no-n`, `open-to-network`. */
  readonly code: string;
  /** The id of the forward (L1, R1 ...); undefined when the mistake is about the whole tunnel. */
  readonly forward: string | undefined;
  readonly text: string;
  /** What to do. */
  readonly cure: string;
}

export function mistakesIn(description: TunnelDescription, place: Place): readonly Mistake[] {
  const ids = forwardIds(description.forwards);
  const ofForwards = description.forwards.flatMap((spec, index) =>
    forwardMistakes(description, spec, place).map((mistake) => ({ ...mistake, forward: ids[index] })),
  );
  const ofAll = description.via === "ssh" ? sessionMistakes(description, place) : [];
  const all = [
    ...ofForwards,
    ...loops(description, ids, place),
    ...twice(description.forwards, ids, description),
    ...ofAll,
  ];
  return [...all.filter(({ level }) => level === "warning"), ...all.filter(({ level }) => level === "note")];
}

function sessionMistakes(tunnel: SshTunnel, { program }: Place): readonly Mistake[] {
  const found: Mistake[] = [];
  const add = (level: Mistake["level"], code: string, text: string, cure: string) =>
    found.push({ level, code, forward: undefined, text, cure });
  const { remote, forwards } = tunnel;
  const isStdio = forwards.some(({ kind }) => kind === "stdio");
  const listens = forwards.length > 0 && !isStdio;
  const isBehind = hasFlag(tunnel, "f") || keywordIsOn(tunnel, "ForkAfterAuthentication");
  const isImplied = remote.kind === "none" && remote.implied && !isStdio;
  // porthop needs neither flag: it implies -N, and it ends when a forward fails.
  const isSsh = program !== "porthop";
  if (listens && isImplied && isSsh) {
    if (isBehind) add("warning", "f-without-n", "ssh -f without -N and without a command refuses to start", "add -N");
    else add("note", "no-n", "without -N ssh opens a shell on the server too", "add -N (porthop does it by itself)");
  }
  if (listens && isSsh && !keywordIsOn(tunnel, "ExitOnForwardFailure")) {
    const text = "ssh goes on when a forward cannot be set up";
    if (isBehind) add("warning", "f-without-exit", `${text}, in the background where nobody sees it`, exitCure);
    else add("note", "no-exit", `${text}, with a warning that is easily missed`, exitCure);
  }
  if (keywordIsOn(tunnel, "ClearAllForwardings") && listens) {
    add("warning", "cleared", "ClearAllForwardings=yes takes all forwards away again", "leave it out");
  }
  const loop = ownJump(tunnel);
  if (loop !== undefined) {
    const text = `the way to ${loop} leads through ${loop} itself, and so nobody gets there`;
    add(
      "warning",
      "jump-loop",
      text,
      `where a ProxyJump is for all hosts, give ${loop} a Host with ProxyJump none above`,
    );
  }
  if (/^(?:no|off|false)$/i.test(keywordText(tunnel, "StrictHostKeyChecking") ?? "")) {
    const text = "StrictHostKeyChecking=no takes any server for the right one, also a forged one";
    add("warning", "any-host-key", text, "use accept-new, which refuses a key that changed");
  }
  if (hasFlag(tunnel, "A") && remote.kind === "none") {
    add(
      "note",
      "agent",
      "-A lends the keys of the agent to the server's root, and no forward needs it",
      "leave -A out; -J is for jump hosts",
    );
  }
  if (opensGateway(tunnel) && forwards.length > 0 && forwards.every(({ side }) => side === "server")) {
    const [what, cure] = hasFlag(tunnel, "g") ? ["-g", "leave -g out"] : ["GatewayPorts", "leave GatewayPorts out"];
    add("note", "g-on-remote", `${what} opens ports here only: for -R the server's own GatewayPorts decides`, cure);
  }
  return found;
}

/** As by a ProxyJump below `Host *`, which holds for the jump host itself too (ssh.c, main: "jumphost loop via"). */
function ownJump(tunnel: SshTunnel): string | undefined {
  const way = [...(tunnel.jumps ?? []), { ...sshdAddress(tunnel), user: tunnel.user }];
  return way.find((stop, index) => {
    const before = way[index - 1];
    const isSame = before?.host === stop.host && (before.port ?? 22) === (stop.port ?? 22);
    return isSame && (before.user ?? stop.user) === (stop.user ?? before.user);
  })?.host;
}

const exitCure = "add -o ExitOnForwardFailure=yes";

function loops(description: TunnelDescription, ids: readonly string[], { here }: Place): readonly Mistake[] {
  const isOpen = opensGateway(description);
  const forwards = description.forwards.map((spec, index) => ({
    id: ids[index] ?? "",
    side: spec.side,
    listen: listenAddress(spec, isOpen),
    connect: spec.connect,
  }));
  const isOne =
    description.via === "nothing" || (isDirect(description) && isThisMachine(sshdAddress(description), [here]));
  return loopsIn(forwards, isOne).map(({ forward, text }) => ({
    level: "warning",
    code: "loop",
    forward,
    text,
    cure: "listen on another port than that of the target",
  }));
}

function isDirect(tunnel: SshTunnel): boolean {
  const program = keywordText(tunnel, "ProxyCommand")?.toLowerCase() ?? "none";
  return (tunnel.jumps ?? []).length === 0 && program === "none";
}

/** The second one of two forwards that listen on one address of one machine: it fails. */
function twice(
  forwards: readonly ForwardSpec[],
  ids: readonly string[],
  description: TunnelDescription,
): readonly Mistake[] {
  const seen = new Map<string, string>();
  return forwards.flatMap((spec, index) => {
    const listen = listenAddress(spec, opensGateway(description));
    if (listen === undefined || (!isUnix(listen) && listen.port === 0)) return [];
    const key = `${spec.side} ${isUnix(listen) ? listen.path : `${listen.host}:${listen.port}`}`;
    const first = seen.get(key);
    const id = ids[index] ?? "";
    if (first === undefined) {
      seen.set(key, id);
      return [];
    }
    const text = `it listens on the same address as ${first}: the second one fails`;
    return [{ level: "warning", code: "twice", forward: id, text, cure: "give it another port" } as const];
  });
}
