/** `porthop demo [--keep] [--capture FILE]`: plays the demo and ends, or stays until Ctrl-C. */

import { Demo } from "../demo/demo.ts";
import { Bus } from "../flow/bus.ts";
import { visible } from "../text/terminal-text.ts";
import { Interruption } from "./interruption.ts";
import { Output } from "./output.ts";
import { version } from "./version.ts";

const graceMs = 2000;

export interface DemoFlags {
  readonly keep: boolean;
  /** Where the capture goes; a file in the temp folder when undefined. */
  readonly capture: string | undefined;
}

export async function demo({ keep, capture: file }: DemoFlags): Promise<number> {
  const output = new Output("warn");
  const interruption = new Interruption();
  const player = new Demo({
    version,
    capture: file,
    telling: { bus: new Bus(), loggerFor: (plugin) => output.loggerFor(plugin), trace: undefined },
    show: (line) => output.result(line),
  });
  let played = false;
  try {
    const url = await player.play(interruption.stop);
    played = true;
    if (keep) {
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
