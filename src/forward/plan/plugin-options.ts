/**
 * Checks and converts the texts that were given for a plugin's options, by the plugin's own record of options
 * (promise 9 of src/README.md: one record feeds the flag, the check, the wizard and the list of plugins).
 */

import { Malformed } from "../../codec/malformed.ts";
import { parseDuration, parseRate, parseSize } from "../../codec/units.ts";
import type { PorthopError } from "../../errors.ts";
import type { ReadOptions } from "../../flow/running-options.ts";
import type { OptionSpec, OptionSpecs, OptionTypes, OptionValues } from "../../plugin.ts";
import { didYouMean } from "../../text/nearest.ts";
import { quoted } from "../../text/terminal-text.ts";

type Value = OptionTypes[keyof OptionTypes];

/**
 * Throws Malformed, which names the option, the bad text and what is expected: `option "up": "fast" is not a rate such
 * as ...`.
 */
export function readOptions<O extends OptionSpecs>(specs: O, given: ReadonlyMap<string, string>): OptionValues<O> {
  for (const name of given.keys()) {
    if (!Object.hasOwn(specs, name)) throw unknownOption(name, Object.keys(specs));
  }
  const values = Object.entries(specs).map(([name, spec]) => {
    const text = given.get(name) ?? spec.default;
    if (text === undefined && spec.required) throw new Malformed(`option "${name}" is required: ${spec.about}`);
    return [name, text === undefined ? undefined : readOption(name, spec, text)] as const;
  });
  // Each value was read by the reader of its spec's type, and OptionValues says the same of it.
  return Object.fromEntries(values) as OptionValues<O>;
}

/**
 * Returns the first values of the options, and a way to change those that are `live`. Throws Malformed as `readOptions`
 * does. `with` throws a PorthopError, which `asPorthopError` makes.
 */
export function liveOptions(
  specs: OptionSpecs,
  given: ReadonlyMap<string, string>,
  asPorthopError: (error: Malformed) => PorthopError,
): ReadOptions {
  return {
    values: readOptions(specs, given),
    with(texts) {
      try {
        const fixed = [...texts.keys()].find((name) => Object.hasOwn(specs, name) && specs[name]?.live !== true);
        if (fixed !== undefined) throw fixedOption(fixed, specs);
        return liveOptions(specs, new Map([...given, ...texts]), asPorthopError);
      } catch (error) {
        throw error instanceof Malformed ? asPorthopError(error) : error;
      }
    },
  };
}

/** Reads one option alone, as the wizard asks for each option. Throws Malformed as `readOptions` does. */
export function readOption(name: string, spec: OptionSpec, text: string): Value {
  if (spec.choices !== undefined && !spec.choices.includes(text)) {
    throw new Malformed(`option "${name}": ${quoted(text)} is not one of ${spec.choices.join(", ")}`);
  }
  try {
    return readers[spec.type](text);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(`option "${name}": ${error.message}`);
  }
}

const readers: { readonly [T in keyof OptionTypes]: (text: string) => OptionTypes[T] } = {
  text: (text) => text,
  number: readNumber,
  flag: readFlag,
  rate: parseRate,
  size: parseSize,
  duration: parseDuration,
};

function readNumber(text: string): number {
  const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new Malformed(`${quoted(text)} is not a whole number such as 10`);
  // The addition turns -0 into 0. A -0 prints as 0, but a division by -0 gives -Infinity.
  return value + 0;
}

function readFlag(text: string): boolean {
  if (text !== "yes" && text !== "no") throw new Malformed(`${quoted(text)} is neither yes nor no`);
  return text === "yes";
}

function fixedOption(name: string, specs: OptionSpecs): Malformed {
  const live = Object.keys(specs).filter((each) => specs[each]?.live);
  const can = live.length === 0 ? "none of its options can" : `what can is ${live.join(", ")}`;
  return new Malformed(`option ${quoted(name)} cannot be changed while it runs; ${can}`);
}

function unknownOption(name: string, known: readonly string[]): Malformed {
  const exist = known.length === 0 ? "it takes none" : `there are ${known.join(", ")}`;
  return new Malformed(`option ${quoted(name)} is unknown${didYouMean(name, known)}; ${exist}`);
}
