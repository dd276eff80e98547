/**
 * Agent forwarding (ssh -A; draft-miller-ssh-agent, section 6): programs on the server use the agent of this machine.
 * The agent is offered only when the user asked for forwarding, because root on the server can use the keys while the
 * session lives. Each connection is bound to the session first (clientloop.c, client_request_agent), so that a key may
 * be limited to ways over certain servers (ssh-add -h).
 */
import { type SessionBinding, sessionBind } from "../../codec/session/session-bind.ts";
import { writeStrings } from "../../codec/ssh-string.ts";
import { PorthopError } from "../../errors.ts";
import type { Conn } from "../../flow/conn.ts";
import { join } from "../../flow/join.ts";
import { hereDialer } from "../../io/here-dialer.ts";
import { agentSocket } from "../login/agent.ts";
import { firstAnswer } from "../login/agent-connection.ts";
import type { SideChannels } from "./side-channel.ts";

/** ForwardAgent: yes is the agent of SSH_AUTH_SOCK, else a path or the name of a variable after a dollar sign. */
export function forwardedAgent(forwardAgent: string, environment: NodeJS.ProcessEnv): string | undefined {
  const lower = forwardAgent.toLowerCase();
  if (lower === "no" || lower === "false") return undefined;
  return agentSocket(lower === "yes" || lower === "true" ? "SSH_AUTH_SOCK" : forwardAgent, environment);
}

/**
 * Tells whether an agent listens at `path`. ssh asks for the forwarding only when one does (ssh.c, ssh_session2_setup).
 */
export async function isAgentThere(path: string): Promise<boolean> {
  try {
    const conn = await dialAgent(path);
    await conn.end();
    return true;
  } catch {
    return false;
  }
}

export function agentChannels(
  path: string,
  binding: SessionBinding | undefined,
  warn: (text: string) => void,
): SideChannels {
  return {
    type: "auth-agent@openssh.com",
    name: "the agent",
    dial: () => (binding === undefined ? dialAgent(path) : dialBound(path, sessionBind(binding, true))),
    carry: (channel, here) => join(channel, here),
    warn,
  };
}

async function dialAgent(path: string): Promise<Conn> {
  return (await hereDialer({ timeoutMs: patienceMs }).dial({ path }, { path }, never)).conn;
}

/**
 * An agent that refuses to bind does not know how, and is used unbound, as ssh does. So is an agent that hangs up: an
 * agent that can limit keys answers.
 */
async function dialBound(path: string, message: Uint8Array): Promise<Conn> {
  const conn = await dialAgent(path);
  const isAnswered = await ask(conn, message);
  return isAnswered ? conn : dialAgent(path);
}

/** False when the agent hung up without an answer. Rejects when it says nothing, or nothing that makes sense. */
async function ask(conn: Conn, message: Uint8Array): Promise<boolean> {
  let flaw: PorthopError | undefined;
  const giveUp = (why: string) => {
    flaw = new PorthopError("target.unreachable", `the agent ${why}`, { leg: 3 });
    conn.abort(flaw);
  };
  const timer = setTimeout(() => giveUp(`did not answer within ${patienceMs / 1000} s`), patienceMs);
  try {
    await conn.write(writeStrings(message));
    return await hearAnswer(conn);
  } catch (error) {
    if (flaw !== undefined) throw flaw;
    if (error instanceof PorthopError) return false;
    giveUp("gave an answer that makes no sense");
    throw flaw;
  } finally {
    clearTimeout(timer);
  }
}

async function hearAnswer(conn: Conn): Promise<boolean> {
  let received = Buffer.alloc(0);
  for (let chunk = await conn.read(); chunk !== undefined; chunk = await conn.read()) {
    received = Buffer.concat([received, chunk]);
    const answer = firstAnswer(received);
    if (answer === undefined) continue;
    if (received.length > 4 + answer.length) throw new Error("the agent speaks unasked");
    return true;
  }
  await conn.end();
  return false;
}

const patienceMs = 5000;

const never = new AbortController().signal;
