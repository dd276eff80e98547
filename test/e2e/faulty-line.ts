/** A real sshd behind a relay that breaks as lines break: only porthop, only sshd, or both lose the session. */
import { type FaultyRelay, faultyRelay } from "../kit/faulty-relay.ts";
import { send } from "../kit/processes.ts";
import { type Sshd, type SshdOptions, startSshd } from "../kit/sshd.ts";
import type { Server } from "./tunnel.ts";

export interface FaultyLine extends AsyncDisposable {
  readonly sshd: Sshd;
  readonly relay: FaultyRelay;
  /** How porthop logs in, through the relay. */
  readonly login: Server;
}

export async function startLine(options: SshdOptions = {}): Promise<FaultyLine> {
  const sshd = await startSshd(options);
  const relay = await faultyRelay(sshd);
  return {
    ...{ sshd, relay, login: relay.login(sshd) },
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await sshd[Symbol.asyncDispose]();
    },
  };
}

/** Stops the processes that serve the sessions of now. Returns them. They end with the sshd. */
export function freeze({ sshd }: FaultyLine): readonly number[] {
  const frozen = sshd.sessionPids();
  send(frozen, "SIGSTOP");
  return frozen;
}

/** Loses the session for porthop only: sshd is frozen, and holds its listeners. Returns its processes. */
export function cutBehind(line: FaultyLine): readonly number[] {
  const frozen = freeze(line);
  line.relay.cut();
  return frozen;
}
