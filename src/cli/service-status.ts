/**
 * Events in, the one line that a service manager shows of a service (`systemctl status`) out: what porthop is doing, how
 * many forwards are ready, and why there is no session.
 */
import type { BusEvent, EventNamed } from "../flow/event.ts";
import { visible } from "../text/terminal-text.ts";
import { tryingAgain } from "./outage-words.ts";

export interface ServiceState {
  /** How many forwards are up. Undefined until all of them are. */
  readonly forwards: number | undefined;
  /** The ids of the sessions that stand. */
  readonly standing: readonly string[];
  /** True once there was a session. A relay has none. */
  readonly hasSessions: boolean;
  /** What is done for a session now. */
  readonly doing: string | undefined;
  /** The last error that was no flow's, for the end. */
  readonly failure: string | undefined;
}

/** The events that change a state. */
export const statusEvents = ["session", "ready", "reconnect", "error"] as const;

export const atStart: ServiceState = {
  forwards: undefined,
  standing: [],
  hasSessions: false,
  doing: undefined,
  failure: undefined,
};

export function stateAfter(state: ServiceState, event: BusEvent): ServiceState {
  switch (event.event) {
    case "session":
      return afterSession(state, event);
    case "ready":
      return { ...state, forwards: event.forwards.length };
    case "reconnect":
      return { ...state, doing: tryingAgain(event, state.standing.length) };
    case "error":
      return event.flow === undefined ? { ...state, failure: visible(event.error.message) } : state;
    default:
      return state;
  }
}

export function statusText({ forwards, standing, hasSessions, doing }: ServiceState): string {
  if (forwards === undefined) return doing ?? (standing.length > 0 ? "logged in" : "starting");
  const up = `${forwards === 0 ? "connected" : counted(forwards)}`;
  if (standing.length === 0 && hasSessions) return doing ?? "lost the session";
  return doing === undefined ? up : `${up}; ${doing}`;
}

/** The last line. `code` is porthop's exit code. */
export function endText({ failure }: ServiceState, code: number): string {
  if (code === 0 || code === 130) return "stopped";
  return failure ?? `ended with exit code ${code}`;
}

function afterSession(state: ServiceState, event: EventNamed<"session">): ServiceState {
  const { id, hop, host } = event;
  const where = `${hop === undefined ? "" : "the jump host "}${visible(host, 100)}`;
  if (event.state === "connecting") {
    const tries = event.attempt > 1 ? ` (attempt ${event.attempt})` : "";
    return { ...state, doing: `connecting to ${where}${tries} ...` };
  }
  // A jump host's session carries no forwards: what counts is the one inside.
  if (hop !== undefined) return state;
  const others = state.standing.filter((other) => other !== id);
  if (event.state === "ready") return { ...state, standing: [...others, id], hasSessions: true, doing: undefined };
  return { ...state, standing: others };
}

function counted(forwards: number): string {
  return forwards === 1 ? "1 forward ready" : `${forwards} forwards ready`;
}
