/**
 * Builds dist/porthop, one executable with everything in it; with the word `node` one script for Node.
 * Each setting has a reason. Format "esm": with another format, bytecode freezes import.meta.url. The
 * executable reads nothing from the folder that it is started in, because code in a bunfig.toml there
 * would run. No require may be left for run time either: Bun would search that folder and those above.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import {
  bunLicense,
  licensesText,
  packageFolders,
  readLicense,
  type StatedElsewhere,
} from "./src/packaging/licenses.ts";

const forNode = process.argv[2] === "node";
const out = process.argv[forNode ? 3 : 2] ?? (forNode ? "dist/porthop-node.mjs" : "dist/porthop");

/**
 * ssh2's native add-ons work in Node only. ssh2 requires each add-on in a try
 * block, and uses its own JavaScript when the add-on is empty.
 */
const addOns: Bun.BunPlugin = {
  name: "no native add-ons",
  setup(build) {
    build.onResolve({ filter: /^cpu-features$|\.node$/ }, ({ path }) => ({ path, namespace: "add-on" }));
    build.onLoad({ filter: /.*/, namespace: "add-on" }, () => ({ contents: "module.exports = {};", loader: "js" }));
  },
};

/**
 * The folder of the bundle in Bun's terms. A package's folder on the build machine would be wrong on another machine.
 */
const inside = process.platform === "win32" ? "B:\\~BUN\\root" : "/$bunfs/root";

/** Licence texts for the packages that have no text in their folder. */
const elsewhere: StatedElsewhere = {};

/** Replaces src/packaging/bundled-licenses.ts, which is about the source, by a module with the texts of the bundle. */
const licenses = (text: string): Bun.BunPlugin => ({
  name: "licences",
  setup(build) {
    const contents = `export const bundledLicenses = () => ${JSON.stringify(text)};`;
    build.onLoad({ filter: /[\\/]src[\\/]packaging[\\/]bundled-licenses\.ts$/ }, () => ({ contents, loader: "ts" }));
  },
});

const options = (text: string): Bun.BuildConfig => ({
  entrypoints: ["src/main.ts"],
  target: forNode ? "node" : "bun",
  format: "esm",
  minify: true,
  define: {
    __dirname: JSON.stringify(inside),
    __filename: JSON.stringify(`${inside}/porthop`),
    "process.env.NODE_ENV": '"production"',
  },
  // No import may compute its name at run time, except for the file of a plugin, which the user names (plugin-list.ts).
  allowUnresolved: ["file:*"],
  plugins: [addOns, licenses(text)],
  metafile: true,
});

// The first build only lists the modules and writes no file: a bundle that may not be published is never written.
const { metafile } = await Bun.build(options(""));
if (metafile === undefined) fail("Bun gave no list of what is in the bundle");
refuseLeft(metafile);
const text = licensesOf(metafile);

mkdirSync(dirname(out), { recursive: true });
if (forNode) {
  const { outputs } = await Bun.build(options(text));
  writeFileSync(out, (await outputs[0]?.text()) ?? fail("Bun made nothing"));
} else {
  await Bun.build({
    ...options(text),
    bytecode: true,
    // Each command is a file of its own inside, so that none loads what only another needs.
    splitting: true,
    compile: {
      outfile: out,
      autoloadBunfig: false,
      autoloadDotenv: false,
      autoloadPackageJson: false,
      autoloadTsconfig: false,
    },
  });
  forgetBun(out);
  writeFileSync(join(dirname(out), "LICENSES.txt"), text);
}
console.log(`${out}: ${Object.keys(metafile.inputs).length} modules`);

/**
 * With BUN_BE_BUN in the environment, as some programs that are made with Bun set it for what they start, every
 * executable of Bun's is bun and not itself. Bun has no option against that. So the name is changed inside of the file to
 * one that no shell can set. On macOS a changed file has no valid signature any more, and would not start.
 */
function forgetBun(executable: string): void {
  if (process.platform === "darwin") return;
  const name = "\0BUN_BE_BUN\0";
  const bytes = readFileSync(executable);
  const at = bytes.indexOf(name);
  if (at === -1 || bytes.indexOf(name, at + 1) !== -1) fail(`Bun ${Bun.version} asks for BUN_BE_BUN in another way`);
  const file = openSync(executable, "r+");
  writeSync(file, "=", at + 1);
  closeSync(file);
}

/**
 * Fails when an import is left for run time. A package leaves one when,
 * in a try block, it requires a package that is not installed.
 */
function refuseLeft({ inputs }: Bun.BuildMetafile): void {
  const left = Object.entries(inputs).flatMap(([file, { imports }]) =>
    imports
      .filter(({ path, external }) => external === true && !isBuiltin(path))
      .map(({ path }) => `${path} (${file})`),
  );
  if (left.length > 0) fail(`these would be looked up in the user's folder at run time: ${left.join(", ")}`);
}

function licensesOf({ inputs }: Bun.BuildMetafile): string {
  try {
    return licensesText([
      readLicense("."),
      ...packageFolders(Object.keys(inputs)).map((folder) => readLicense(folder, elsewhere)),
      ...(forNode ? [] : [bunLicense(Bun.version, "node_modules/bun", "node_modules/bun-types")]),
    ]);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function fail(message: string): never {
  console.error(`build.ts: ${message}`);
  process.exit(1);
}
