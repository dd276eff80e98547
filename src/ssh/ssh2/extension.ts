/**
 * Algorithms that porthop adds to ssh2. They reach into one exact version of it: with any other, or when something was
 * not found as expected, they are not offered, and everybody can ask why not.
 */
export const ssh2Version = "1.17.0";

const flaws = new Map<string, string>();

/** `add` throws when it cannot: the reason is kept for those algorithms. */
export function extend(found: string, algorithms: readonly string[], add: () => void): void {
  try {
    if (found !== ssh2Version) throw new Error(`ssh2 is ${found}, not ${ssh2Version}`);
    add();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // The first reason is the one that led to the others.
    for (const name of algorithms) if (!flaws.has(name)) flaws.set(name, reason);
  }
}

/** Why the algorithm is not there; undefined as long as nothing is known against it. */
export function flawOf(algorithm: string): string | undefined {
  return flaws.get(algorithm);
}

/** `no chacha20-poly1305@openssh.com: ssh2 is 2.0.0, not 1.17.0`, for the debug log. */
export function extensionFlaws(): readonly string[] {
  return [...flaws].map(([name, reason]) => `no ${name}: ${reason}`);
}
