/**
 * Agent forwarding (ssh -A; draft-miller-ssh-agent, section 6): programs on the server use the agent of this machine.
 * The agent is offered only when the user asked for forwarding, because root on the server can use the keys while the
 * session lives.
 */
import type { Conn } from "../../flow/conn.ts";
import { join } from "../../flow/join.ts";
import { hereDialer } from "../../io/here-dialer.ts";
import { agentSocket } from "../login/agent.ts";
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

export function agentChannels(path: string, warn: (text: string) => void): SideChannels {
  return {
    type: "auth-agent@openssh.com",
    name: "the agent",
    dial: () => dialAgent(path),
    carry: (channel, here) => join(channel, here),
    warn,
  };
}

async function dialAgent(path: string): Promise<Conn> {
  return (await hereDialer({ timeoutMs: patienceMs }).dial({ path }, { path }, never)).conn;
}

const patienceMs = 5000;

const never = new AbortController().signal;
