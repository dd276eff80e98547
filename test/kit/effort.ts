/**
 * How much a test that plays with chance plays. `npm test` sets PORTHOP_THOROUGH=1 and plays all; where somebody waits
 * for the answer (`npm run test:unit`, an editor) a part is enough, for each run has chances of its own.
 */
const isThorough = process.env["PORTHOP_THOROUGH"] === "1";

/** `all` rounds, or so many as there is time for: a tenth, when nothing else is said. */
export function rounds(all: number, few = Math.ceil(all / 10)): number {
  return isThorough ? all : few;
}
