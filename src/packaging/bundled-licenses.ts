/**
 * What `--licenses` prints. This is what there is to say of the source; for the executable build.ts puts a module in this
 * one's place that has the texts of all that is in it.
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
