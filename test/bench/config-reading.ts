/**
 * How long porthop takes to read a ~/.ssh/config with many hosts. The first reading is the one that a user waits for.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { realSources } from "../../src/config/file/config-sources.ts";
import { Keywords } from "../../src/config/file/keyword-record.ts";
import { effectiveSettings } from "../../src/config/file/ssh-config.ts";
import { manyHosts } from "../kit/memory-config.ts";
import { tempDirectory } from "../kit/temp.ts";
import { median } from "./measure.ts";

export function configReading(runs: number, hosts = 500): void {
  const file = join(tempDirectory("bench"), "config");
  writeFileSync(file, manyHosts(hosts), { mode: 0o600 });
  const taken = Array.from({ length: runs + 1 }, () => {
    const start = performance.now();
    effectiveSettings(`machine${hosts - 1}`, new Keywords(), realSources(process.env), file);
    return performance.now() - start;
  });
  console.log(`configuration of ${hosts} hosts, ms, ${runs} runs`);
  console.log(`  the first time                     ${(taken[0] ?? 0).toFixed(1).padStart(8)}  (at most 20)`);
  console.log(`  afterwards                         ${median(taken.slice(1)).toFixed(1).padStart(8)}\n`);
}
