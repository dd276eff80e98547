/**
 * The key files for one host, for a whole run. They are read anew for each connection, because they may change; but
 * what was opened stays open as long as its file is the same, and a warning is not repeated at each connection.
 */
import type { Logger } from "../../plugin.ts";
import { type Identities, type IdentitySettings, loadIdentities } from "./identity.ts";
import type { KeyFile } from "./key-file.ts";

export class KeyRing {
  readonly #settings: IdentitySettings;
  readonly #log: Logger;
  #files: readonly KeyFile[] = [];
  /** The warnings of the last time. One whose reason goes away and comes back is told again. */
  #told: ReadonlySet<string> = new Set();

  constructor(settings: IdentitySettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  async read(): Promise<Identities> {
    const log = this.#log;
    const told = new Set<string>();
    const warn = (text: string) => {
      if (!this.#told.has(text)) log.warn(text);
      told.add(text);
    };
    const identities = await loadIdentities(this.#settings, {
      error: (text) => log.error(text),
      warn,
      info: (text) => log.info(text),
      debug: (text) => log.debug(text),
      shows: (level) => log.shows(level),
    });
    for (const file of identities.files) for (const earlier of this.#files) file.stayOpen(earlier);
    this.#files = identities.files;
    this.#told = told;
    return identities;
  }
}
