/**
 * The text that `--licenses` prints. This module is for a porthop that runs from its source. For the executable,
 * build.ts replaces this module by one that has the licence texts of everything in the executable.
 */
import { readFileSync } from "node:fs";

export function bundledLicenses(): string {
  const own = readFileSync(new URL("../../LICENSE", import.meta.url), "utf8");
  return `${own.trimEnd()}\n\n${asSource}`;
}

const asSource = `This porthop runs from its source, and nothing is bundled with it. The licence of each package that it uses stands in the
package's own folder below node_modules, and that of the runtime with the runtime. The executable (npm run build) has all
of them in it.
`;
