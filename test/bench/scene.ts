/** What every section of the benchmark is given: the program, a server, targets, and how long to look. */
import type { Sshd } from "../kit/sshd.ts";
import {
  alternating,
  type Contender,
  porthopContender,
  type Services,
  sshContender,
  type Taken,
  type Tunnel,
  withTunnels,
} from "./contenders.ts";

export interface Scene {
  /** The executable of porthop. */
  readonly program: string;
  readonly sshd: Sshd;
  readonly services: Services;
  readonly rounds: number;
  readonly mebibytes: number;
  /** For captures: in memory where possible, so that no disk is measured. */
  readonly captureFile: string;
}

/** ssh and porthop with one session each, without anything more. */
export function rivals({ program, sshd }: Scene): readonly [Contender, Contender] {
  return [sshContender("ssh", sshd), porthopContender("porthop", [program], sshd)];
}

/** Runs `once` on a tunnel of each contender in turn, all rounds. */
export function compare(
  { services, rounds }: Pick<Scene, "services" | "rounds">,
  contenders: readonly Contender[],
  once: (tunnel: Tunnel) => Promise<{ readonly seconds: number; readonly bytes?: number }>,
): Promise<readonly Taken[]> {
  return withTunnels(contenders, services, (tunnels) => alternating(tunnels, rounds, once));
}
