/**
 * Builds dist/porthop, one executable with everything in it. The flags are not taste: `--format=esm` because bytecode
 * otherwise freezes import.meta.url, the two autoload ones because a compiled program would run a bunfig.toml or read a
 * .env of whatever folder it is started in, the externals because ssh2's native add-ons are for Node only.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";

const out = process.argv[2] ?? "dist/porthop";
mkdirSync("dist", { recursive: true });
const built = spawnSync(
  process.execPath,
  [
    "build",
    "src/main.ts",
    "--compile",
    "--minify",
    "--bytecode",
    "--format=esm",
    "--no-compile-autoload-bunfig",
    "--no-compile-autoload-dotenv",
    "--external",
    "cpu-features",
    "--external",
    "*.node",
    `--outfile=${out}`,
  ],
  { stdio: ["ignore", "inherit", "inherit"] },
);
process.exit(built.status ?? 1);
