/**
 * The options of one plugin while it runs. Only options that the plugin's record calls `live` may change. A change is
 * done as a whole or not at all, and the plugin has heard of the change when `change` returns.
 */

import { PorthopError } from "../errors.ts";
import type { OptionSpecs, OptionValues } from "../plugin.ts";
import { messageOf } from "../text/error-message.ts";

/** All options of a plugin, read and checked. */
export interface ReadOptions {
  readonly values: OptionValues<OptionSpecs>;
  /**
   * Returns the options with these texts in place of the old ones. Throws a PorthopError when a text is wrong or an
   * option may not change.
   */
  with(texts: ReadonlyMap<string, string>): ReadOptions;
}

/** A plugin's function that gets the options as they are now. A function that throws refuses the change. */
export type HearOptions = (values: OptionValues<OptionSpecs>) => unknown;

export class RunningOptions {
  readonly #plugin: string;
  readonly #warn: (text: string) => void;
  readonly #hearers: HearOptions[] = [];
  #now: ReadOptions | undefined;

  /** `options` is undefined for a plugin without any. */
  constructor(plugin: string, options: ReadOptions | undefined, warn: (text: string) => void) {
    this.#plugin = plugin;
    this.#now = options;
    this.#warn = warn;
  }

  hear(hearer: HearOptions): void {
    this.#hearers.push(hearer);
  }

  /** Throws a PorthopError that says why the change was refused. All options are then as before. */
  change(texts: ReadonlyMap<string, string>): void {
    const before = this.#now;
    if (before === undefined) throw this.#refusal("it takes no options");
    const next = before.with(texts);
    if (this.#hearers.length === 0) throw this.#refusal("it does not listen to changes (host.onOptions)");
    const told: HearOptions[] = [];
    try {
      for (const hearer of this.#hearers) {
        told.push(hearer);
        this.#tell(hearer, next);
      }
    } catch (error) {
      // The hearer that threw is included, because it may have taken over a part of the change.
      for (const hearer of told.reverse()) this.#takeBack(hearer, before);
      if (error instanceof PorthopError) throw error;
      throw this.#refusal(messageOf(error), error);
    }
    this.#now = next;
  }

  #tell(hearer: HearOptions, { values }: ReadOptions): void {
    const heard = hearer(values);
    // An async hearer rejects too late to refuse the change. An unhandled rejection would end the whole process.
    if (heard instanceof Promise) heard.catch((error: unknown) => this.#warn(`new options: ${messageOf(error)}`));
  }

  #takeBack(hearer: HearOptions, before: ReadOptions): void {
    try {
      this.#tell(hearer, before);
    } catch (error) {
      this.#warn(`cannot go back to the options before: ${messageOf(error)}`);
    }
  }

  #refusal(why: string, cause?: unknown): PorthopError {
    const message = `plugin ${this.#plugin} did not change its options: ${why}`;
    return new PorthopError("plugin.invalid", message, { hint: "nothing was changed", cause });
  }
}
