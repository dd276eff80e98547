/**
 * The licences of everything in an executable, as one text. build.ts passes the list of files in the bundle, so that a
 * package that is added later cannot be forgotten. A package without a licence text ends the build.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Licensed {
  readonly name: string;
  readonly version: string;
  /** The name of the licence, for example `MIT`. */
  readonly license: string;
  readonly text: string;
}

/** For each package without a licence text in its folder: the text that its authors publish elsewhere. */
export type StatedElsewhere = Readonly<Record<string, string>>;

/** The folders of the packages that these files belong to, each once. The project's own files belong to no package. */
export function packageFolders(files: Iterable<string>): readonly string[] {
  const folders = [...files].flatMap((file) => {
    const [folder] = /^(?:.*[\\/])?node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/.exec(file) ?? [];
    return folder === undefined ? [] : [folder];
  });
  return [...new Set(folders)].sort();
}

/**
 * Reads a package's package.json and licence files. Throws an Error with a message for people when there is no text.
 */
export function readLicense(folder: string, elsewhere: StatedElsewhere = {}): Licensed {
  const { name = folder, version = "", ...manifest } = readManifest(folder);
  const texts = readdirSync(folder)
    .filter((file) => /^((un)?licen[cs]e|copying|notice)\b/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  const text = [...texts, elsewhere[name] ?? ""].filter((each) => each !== "").join("\n\n");
  if (text === "") throw new Error(`${name} ${version} has no text of a licence in its folder ${folder}`);
  return { name, version, license: licenseName(manifest), text };
}

/** Bun's packages have no licence text. Bun's documentation says what is linked into Bun, and where the texts are. */
export function bunLicense(version: string, bunFolder: string, typesFolder: string): Licensed {
  const { license = "", repository = "" } = readManifest(bunFolder);
  const source = "docs/project/license.mdx";
  const statement = readFileSync(join(typesFolder, source), "utf8").replace(/^---\n.*?\n---\n/s, "");
  const introduction = `Bun is the runtime inside the executable. Its package on npm says that Bun is under the licence ${license}
and holds no text of a licence; the texts are with its source, ${repository}.
What Bun says itself of what it links, and of where the licences of that stand
(bun-types ${readManifest(typesFolder).version}, ${source}):`;
  return { name: "Bun", version, license: String(license), text: `${introduction}\n\n${statement.trim()}` };
}

/** One text: the list of packages, then the licence text of each, in the order given. */
export function licensesText(all: readonly Licensed[]): string {
  const list = all.map(({ name, version, license }) => `  ${name} ${version}, ${license}`);
  const texts = all.map(({ name, version, license, text }) => {
    const title = `${name} ${version}, ${license}`;
    return `${title}\n${"=".repeat(title.length)}\n\n${text.replaceAll("\r\n", "\n")}\n`;
  });
  return `This executable is made of these, and their licences follow:\n\n${list.join("\n")}\n\n\n${texts.join("\n\n")}`;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string | { readonly type?: string };
  /** The old form of `license` in package.json. */
  readonly licenses?: readonly { readonly type?: string }[];
  readonly repository?: unknown;
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

function licenseName({ license, licenses }: Manifest): string {
  const named = [license, ...(licenses ?? [])].map((each) => (typeof each === "object" ? each.type : each));
  const known = named.filter((each) => each !== undefined);
  return known.length === 0 ? "a licence of its own" : known.join(" or ");
}
