/** `porthop demo [--keep] [--capture FILE]`: plays the demo and ends, or stays until Ctrl-C. */

import { Malformed } from "../codec/malformed.ts";
import { type ScannedPositionals, scanPositionals } from "../codec/words/argv.ts";
import { asUsage } from "../config/usage.ts";
import { Demo } from "../demo/demo.ts";
import { Bus } from "../flow/bus.ts";
import { visible } from "../text/terminal-text.ts";
import { Interruption } from "./interruption.ts";
import { Output } from "./output.ts";
import { version } from "./version.ts";

const graceMs = 2000;

export async function demo(words: readonly string[], showHelp: () => void): Promise<number> {
  const { flags } = readWords(words);
  const has = (name: string) => flags.some(({ flag }) => flag === name);
  if (has("help") || has("h")) {
    showHelp();
    return 0;
  }
  const output = new Output("warn");
  const interruption = new Interruption();
  const player = new Demo({
    version,
    capture: flags.findLast(({ flag }) => flag === "capture")?.value,
    telling: { bus: new Bus(), loggerFor: (plugin) => output.loggerFor(plugin), trace: undefined },
    show: (line) => output.result(line),
  });
  let played = false;
  try {
    const url = await player.play(interruption.stop);
    played = true;
    if (has("keep")) {
      output.result(`It goes on until Ctrl-C. Try: curl ${url}`);
      await interruption.requested;
    }
  } catch (error) {
    if (!interruption.stop.aborted) throw error;
  } finally {
    const capture = await player.end(graceMs, interruption.hurry);
    if (played) {
      output.result(`The capture of all three: ${visible(capture)}`);
      output.result(`  wireshark ${visible(capture)}`);
      output.result(`  tcpdump -nn -r ${visible(capture)}`);
    }
    interruption.release();
  }
  return interruption.stop.aborted ? interruption.requested : 0;
}

function readWords(words: readonly string[]): ScannedPositionals {
  return asUsage("porthop demo --help shows the flags", () => {
    const read = scanPositionals(words, {
      short: { h: "nothing" },
      long: { help: "nothing", keep: "nothing", capture: "value" },
    });
    if (read.positionals.length > 0) throw new Malformed(`unexpected word ${visible(read.positionals.join(" "), 100)}`);
    return read;
  });
}
