/**
 * Builds dist/porthop, one executable with everything in it. The settings are not taste: format "esm" because bytecode
 * otherwise freezes import.meta.url; nothing is read of the folder that the executable is started in (a bunfig.toml would
 * be run), and so no require may be left for run time either: Bun looks it up in that folder and in those above it.
 */
import { mkdirSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname } from "node:path";

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

const options: Bun.BuildConfig = {
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
  plugins: [addOns],
  metafile: true,
};

// A look at what there will be comes first: nothing is written that may not leave this machine.
const { metafile } = await Bun.build(options);
if (metafile === undefined) fail("Bun gave no list of what is in the bundle");
refuseLeft(metafile);

mkdirSync(dirname(out), { recursive: true });
await Bun.build({
  ...options,
  bytecode: true,
  compile: {
    outfile: out,
    autoloadBunfig: false,
    autoloadDotenv: false,
    autoloadPackageJson: false,
    autoloadTsconfig: false,
  },
});
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

function fail(message: string): never {
  console.error(`build.ts: ${message}`);
  process.exit(1);
}
