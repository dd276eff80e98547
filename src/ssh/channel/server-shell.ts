/**
 * Small commands on the server, besides the forwards: questions about the server's sockets. They may fail without harm:
 * on a server without a shell, porthop only does not learn an address. command-gate.ts decides whether a command may
 * run, and alone calls this file.
 */
import type { Client, ClientChannel } from "ssh2";

/**
 * How long to wait. A server may leave a request unanswered, or run something that never ends (ForceCommand sleep
 * infinity).
 */
export const patienceMs = 2000;

/**
 * Runs a command that prints little and ends soon. Undefined when the server does not run the command, or when the
 * output is too long or too late.
 */
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

/**
 * Starts a command that answers line by line for as long as the session lives. Undefined when the server does not run
 * the command in time.
 */
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
      // ssh2 throws when the session is already gone. The end of the session is reported elsewhere.
      answer(undefined);
    }
  });
}
