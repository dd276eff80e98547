/**
 * Small commands on the server, beside the forwards: those that ask which sockets it has. They are best effort: a server
 * without a shell loses an address, nothing else. Whether one may run is for command-gate.ts to say, which alone calls this.
 */
import type { Client, ClientChannel } from "ssh2";

/** A server may leave a request unanswered, or run something else that never ends (ForceCommand sleep infinity). */
export const patienceMs = 2000;

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
