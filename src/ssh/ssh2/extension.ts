/**
 * Keeps the reasons why algorithms could not be added to ssh2. The added algorithms use the insides of one exact
 * version. With another version, or when a part of ssh2 looks different, they are not offered, and `flawOf` says why.
 */
import { messageOf } from "../../text/error-message.ts";
export const ssh2Version = "1.17.0";

const flaws = new Map<string, string>();

/** Runs `add`. When `add` throws, the reason is kept for these algorithms. `found` is the version of ssh2. */
export function extend(found: string, algorithms: readonly string[], add: () => void): void {
  try {
    if (found !== ssh2Version) throw new Error(`ssh2 is ${found}, not ${ssh2Version}`);
    add();
  } catch (error) {
    const reason = messageOf(error);
    // The first reason caused the later ones, so only the first is kept.
    for (const name of algorithms) if (!flaws.has(name)) flaws.set(name, reason);
  }
}

/** Why the algorithm is missing. Undefined when no reason is known. */
export function flawOf(algorithm: string): string | undefined {
  return flaws.get(algorithm);
}

/**
 * One line for each missing algorithm, for the debug log: `no chacha20-poly1305@openssh.com: ssh2 is 2.0.0, not
 * 1.17.0`.
 */
export function extensionFlaws(): readonly string[] {
  return [...flaws].map(([name, reason]) => `no ${name}: ${reason}`);
}
