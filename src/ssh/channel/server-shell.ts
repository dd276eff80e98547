/**
 * Small commands on the server, beside the forwards: the one that makes sshd drop Nagle's algorithm, and the one that
 * asks which sockets it has. Both are best effort: a server without a shell loses speed or an address, nothing else.
 */
import type { Client, ClientChannel } from "ssh2";

/** A server may leave a request unanswered, or run something else that never ends (ForceCommand sleep infinity). */
const patienceMs = 2000;

/** Runs a command and throws its output away; resolves when it ended, failed, was refused or took too long. */
export async function runQuietly(client: Client, command: string, timeoutMs = patienceMs): Promise<void> {
  const channel = await startCommand(client, command, timeoutMs);
  if (channel === undefined) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      channel.close();
      resolve();
    }, timeoutMs);
    channel.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
    channel.resume();
    channel.stderr.resume();
    channel.end();
  });
}

/** Runs a command that prints little and ends; undefined when the server will not run it, or does something else. */
export async function outputOf(client: Client, command: string, timeoutMs = patienceMs): Promise<string | undefined> {
  const channel = await startCommand(client, command, timeoutMs);
  if (channel === undefined) return undefined;
  return new Promise((resolve) => {
    let text = "";
    const giveUp = () => {
      channel.close();
      resolve(undefined);
    };
    const timer = setTimeout(giveUp, timeoutMs);
    channel.setEncoding("latin1");
    channel.on("data", (more: string) => {
      if (text.length + more.length <= mostOutput) text += more;
      else giveUp();
    });
    channel.on("close", () => {
      clearTimeout(timer);
      resolve(text);
    });
    channel.on("error", giveUp);
    channel.stderr.resume();
    channel.end();
  });
}

const mostOutput = 64 * 1024;

/** A command that answers line by line for as long as the session lives; undefined when the server will not run it. */
export function startCommand(
  client: Client,
  command: string,
  timeoutMs = patienceMs,
): Promise<ClientChannel | undefined> {
  return new Promise((resolve) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      resolve(undefined);
    }, timeoutMs);
    const answer = (channel: ClientChannel | undefined) => {
      clearTimeout(timer);
      if (late) channel?.close();
      else resolve(channel);
    };
    try {
      client.exec(command, (error, channel) => answer(error === undefined ? channel : undefined));
    } catch {
      // ssh2 throws when the session is gone already: the session's own end is reported elsewhere.
      answer(undefined);
    }
  });
}

/**
 * sshd before 10.1 turns Nagle's algorithm off only for connections that have run a session channel: without one, three
 * small writes of a target take 44 ms instead of 2.4 (`ssh -N -L` has the same trouble).
 */
export function needsNagleCure(serverSoftware: string): boolean {
  const version = /^OpenSSH_(\d+)\.(\d+)/.exec(serverSoftware);
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major < 10 || (major === 10 && minor < 1);
}
