/** The version of this program, and the runtime and platform on which it runs. */
import manifest from "../../package.json" with { type: "json" };

export const version: string = manifest.version;

export function versionLine(): string {
  const { bun, deno, node } = process.versions as { bun?: string; deno?: string; node: string };
  const runtime = bun !== undefined ? `bun ${bun}` : deno !== undefined ? `deno ${deno}` : `node ${node}`;
  return `porthop ${version} (${runtime}, ${process.platform}-${process.arch})`;
}
