/**
 * Listens to a target that was dialed: it speaks first, as SSH, SMTP or MySQL servers do, or waits, or hangs up at
 * once. Then the connection is ended in good order, so that a service logs no broken connection.
 */
import type { Conn } from "../../flow/conn.ts";
import type { Chunk } from "../../plugin.ts";
import { leaveTarget } from "./target-dial.ts";

/**
 * What a target said. `text` is its first line, or the first 120 characters of a longer one; undefined when nothing
 * came. The text is not safe to show.
 */
export interface TargetGreeting {
  readonly text: string | undefined;
  /** The target has ended its half. */
  readonly ended: boolean;
}

const mostCharacters = 120;

/**
 * Waits up to `patienceMs` for the target's first line. Rejects when the target breaks the connection before any byte
 * came. The conn is closed afterwards in any case.
 */
export async function hearTarget(conn: Conn, patienceMs: number): Promise<TargetGreeting> {
  const timeUp = Symbol("time is up");
  let alarm: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<typeof timeUp>((resolve) => {
    alarm = setTimeout(() => resolve(timeUp), patienceMs);
  });
  let text = "";
  let reading: Promise<Chunk | undefined> | undefined;
  let ended = false;
  try {
    while (!text.includes("\n") && text.length < mostCharacters) {
      reading ??= conn.read();
      const got = await Promise.race([reading, patience]);
      if (got === timeUp) break;
      reading = undefined;
      ended = got === undefined;
      if (got === undefined) break;
      text += Buffer.from(got.subarray(0, mostCharacters)).toString("latin1");
    }
  } catch (error) {
    if (text === "") throw error;
    ended = true;
  } finally {
    clearTimeout(alarm);
    await leaveTarget(conn, reading);
  }
  return { text: text === "" ? undefined : firstLine(text), ended };
}

function firstLine(text: string): string {
  const line = /^[^\r\n]+/.exec(text)?.[0] ?? text;
  return line.slice(0, mostCharacters);
}
