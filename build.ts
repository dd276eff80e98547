/**
 * Builds dist/porthop, one executable with everything in it. The settings are not taste: format "esm" because bytecode
 * otherwise freezes import.meta.url; nothing is read of the folder that the executable is started in (a bunfig.toml would
 * be run), and so no require may be left for run time either: Bun looks it up in that folder and in those above it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import {
  bunLicense,
  licensesText,
  packageFolders,
  readLicense,
  type StatedElsewhere,
} from "./src/packaging/licenses.ts";

const out = process.argv[2] ?? "dist/porthop";

/** ssh2's native add-ons are for Node alone. It asks for them in a try, and takes its own JavaScript in place of an empty one. */
const addOns: Bun.BunPlugin = {
  name: "no native add-ons",
  setup(build) {
    build.onResolve({ filter: /^cpu-features$|\.node$/ }, ({ path }) => ({ path, namespace: "add-on" }));
    build.onLoad({ filter: /.*/, namespace: "add-on" }, () => ({ contents: "module.exports = {};", loader: "js" }));
  },
};

/** Where Bun says that the bundle is: the folder of a package on this machine means nothing, or worse, on another one. */
const inside = process.platform === "win32" ? "B:\\~BUN\\root" : "/$bunfs/root";

/** The texts of packages that have none in their folder. */
const elsewhere: StatedElsewhere = {};

/** In place of the module that says what there is to say of the source. */
const licenses = (text: string): Bun.BunPlugin => ({
  name: "licences",
  setup(build) {
    const contents = `export const bundledLicenses = () => ${JSON.stringify(text)};`;
    build.onLoad({ filter: /[\\/]src[\\/]packaging[\\/]bundled-licenses\.ts$/ }, () => ({ contents, loader: "ts" }));
  },
});

const options = (text: string): Bun.BuildConfig => ({
  entrypoints: ["src/main.ts"],
  target: "bun",
  format: "esm",
  minify: true,
  define: {
    __dirname: JSON.stringify(inside),
    __filename: JSON.stringify(`${inside}/porthop`),
    "process.env.NODE_ENV": '"production"',
  },
  // Nor may a name be put together at run time: only the file of a plugin is, which the user names (plugin-list.ts).
  allowUnresolved: ["file:*"],
  plugins: [addOns, licenses(text)],
  metafile: true,
});

// A look at what there will be comes first: nothing is written that may not leave this machine.
const { metafile } = await Bun.build(options(""));
if (metafile === undefined) fail("Bun gave no list of what is in the bundle");
refuseLeft(metafile);
const text = licensesOf(metafile);

mkdirSync(dirname(out), { recursive: true });
await Bun.build({
  ...options(text),
  bytecode: true,
  compile: {
    outfile: out,
    autoloadBunfig: false,
    autoloadDotenv: false,
    autoloadPackageJson: false,
    autoloadTsconfig: false,
  },
});
writeFileSync(join(dirname(out), "LICENSES.txt"), text);
console.log(`${out}: ${Object.keys(metafile.inputs).length} modules`);

/** A package that asks in a try for one that is not installed would go on asking for it at run time. */
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
      bunLicense(Bun.version, "node_modules/bun", "node_modules/bun-types"),
    ]);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function fail(message: string): never {
  console.error(`build.ts: ${message}`);
  process.exit(1);
}
