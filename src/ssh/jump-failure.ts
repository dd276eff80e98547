/**
 * The error for a jump host that opens no channel to the next host. To the user, the next host is out of reach; the
 * reason lies at the jump host and not on the user's own machine.
 */
import { type ErrorCode, PorthopError } from "../errors.ts";
import { describe } from "../io/socket-failure.ts";
import { cannotResolve, nameOf, openFailureText, type Peer } from "./ssh-failure.ts";

/** `error` is what `Session.openStream` rejected with. */
export function unreachableThrough(error: unknown, peer: Peer, jump: Peer): PorthopError {
  // The session with the jump host is lost, and the error of that session says why.
  if (error instanceof PorthopError && error.code === "ssh.lost") return error;
  const said = error instanceof PorthopError && error.cause instanceof Error ? openFailureText(error.cause) : undefined;
  const { code, how, hint } = meaning(error, said ?? describe(error));
  const what = `cannot reach ${peer.isJump === true ? "" : "sshd at "}${nameOf(peer)} through ${nameOf(jump)}`;
  return new PorthopError(code, `${what}: ${how}`, { leg: 2, hint, cause: error });
}

interface Meaning {
  readonly code: ErrorCode;
  readonly how: string;
  readonly hint: string;
}

function meaning(error: unknown, said: string): Meaning {
  if (error instanceof PorthopError && error.code === "target.prohibited") {
    const hint = "a jump host must let you forward: AllowTcpForwarding, PermitOpen or a key restriction there";
    return { code: "ssh.unreachable", how: `it does not forward to there (${said})`, hint };
  }
  if (cannotResolve.test(said)) {
    const hint = "the name is looked up on the jump host: use a name or address that is known there";
    return { code: "host.not-found", how: `it cannot resolve the name: ${said}`, hint };
  }
  const hint = "check the host and its port as the jump host sees them, and that sshd runs there";
  return { code: "ssh.unreachable", how: said, hint };
}
