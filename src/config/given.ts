/** The flags of a command line as they were given, in order, to be asked for by name. */

import { Malformed } from "../codec/malformed.ts";
import type { ScannedFlag } from "../codec/words/argv.ts";
import { visible } from "../text/terminal-text.ts";

export class Given {
  readonly #flags: readonly ScannedFlag[];

  constructor(flags: readonly ScannedFlag[]) {
    this.#flags = flags;
  }

  inOrder(): readonly ScannedFlag[] {
    return this.#flags;
  }

  has(flag: string): boolean {
    return this.count(flag) > 0;
  }

  count(flag: string): number {
    return this.#flags.filter((each) => each.flag === flag).length;
  }

  values(flag: string): readonly string[] {
    return this.#flags.flatMap((each) => (each.flag === flag && each.value !== undefined ? [each.value] : []));
  }

  last(flag: string): string | undefined {
    return this.values(flag).at(-1);
  }
}

/** A value's own parser does not know which flag it belongs to. */
export function named<T>(written: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Malformed ? new Malformed(`${visible(written, 100)}: ${error.message}`) : error;
  }
}
