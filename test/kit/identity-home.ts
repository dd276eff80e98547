/** A home with an empty ~/.ssh, and the loading of the identities in that home. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { underHome } from "../../src/codec/home-path.ts";
import { defaults } from "../../src/config/defaults.ts";
import { loadIdentities } from "../../src/ssh/login/identity.ts";
import { LogLines } from "./log-lines.ts";
import { removeTemp, tempDirectory } from "./temp.ts";

export function makeHome() {
  const home = tempDirectory("identity");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  const log = new LogLines();
  const usualFiles = defaults.identityFiles.map((path) => underHome(path, home));
  return {
    home,
    log,
    path: (name: string) => join(home, ".ssh", name),
    load: (flagFiles: string[] = [], configFiles: string[] = []) =>
      loadIdentities({ flagFiles, configFiles, usualFiles, home }, log),
    [Symbol.dispose]: () => removeTemp(home),
  };
}
