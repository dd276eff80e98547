/**
 * The message that binds a connection with an agent to one ssh session (OpenSSH, PROTOCOL.agent, section 1). The agent
 * then knows which server its keys are used for, and the server's signature proves it.
 */
import { writeStrings } from "../ssh-string.ts";

/** What the first key exchange of a session has shown. A later exchange changes none of it. */
export interface SessionBinding {
  /** The host key as the server sent it: with a certificate, the whole certificate. */
  readonly hostKey: Uint8Array;
  /** The hash of the first key exchange (RFC 4253, section 7.2). */
  readonly sessionId: Uint8Array;
  /** The host key's signature of that hash. */
  readonly signature: Uint8Array;
}

/**
 * The message without its length. `isForwarding` says that the server at the other end uses the agent, and not we who
 * log in.
 */
export function sessionBind({ hostKey, sessionId, signature }: SessionBinding, isForwarding: boolean): Buffer {
  const fields = writeStrings("session-bind@openssh.com", hostKey, sessionId, signature);
  return Buffer.concat([Buffer.of(extensionRequest), fields, Buffer.of(isForwarding ? 1 : 0)]);
}

/** Tells whether the agent has taken the binding. An agent that knows no binding refuses, and is used unbound. */
export function isBoundBy(answer: Uint8Array): boolean {
  return answer[0] === success;
}

const extensionRequest = 27;
const success = 6;
