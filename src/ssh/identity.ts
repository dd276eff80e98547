/**
 * The key files that may prove who we are: those named by -i and IdentityFile, or ssh's own default ones.
 * A file that cannot be used is left out with a reason, which the login's error tells if it fails; none is fatal.
 */
import type { Stats } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { keyType } from "../codec/fingerprint.ts";
import { type KeyText, parsePublicKey, recognizeKey } from "../codec/key-file.ts";
import { Malformed } from "../codec/malformed.ts";
import { visible } from "../codec/terminal-text.ts";
import { describe, errnoOf } from "../io/failure.ts";
import type { Logger } from "../plugin.ts";
import { readBounded } from "./bounded-file.ts";
import { KeyFile } from "./key-file.ts";

export interface IdentitySettings {
  /** From -i: one that is missing is named and then forgotten, as ssh does. */
  readonly flagFiles: readonly string[];
  /** From IdentityFile, with `~` and tokens already filled in. `none` alone is no file at all. */
  readonly configFiles: readonly string[];
  readonly home: string;
}

/** A key file that is there, or was asked for, and cannot be used. */
export interface UnusableFile {
  readonly label: string;
  readonly reason: "missing" | "unreadable" | "permissions" | "format";
  /** What is wrong, as the warning says it. */
  readonly text: string;
  readonly hint: string;
}

export interface Identities {
  /** In the order in which they are to be tried. */
  readonly files: readonly KeyFile[];
  readonly unusable: readonly UnusableFile[];
  /** Public parts of all files, usable or not: with IdentitiesOnly an agent may use these and no others. */
  readonly publicBlobs: readonly Buffer[];
}

/** Looks at the files once; opening the locked ones waits until a server takes their public part. */
export async function loadIdentities(settings: IdentitySettings, log: Logger): Promise<Identities> {
  const found: Found = { files: [], unusable: [], publicBlobs: [] };
  for (const path of settings.flagFiles) await look(path, settings.home, found, log);
  const missing = found.unusable.filter(({ reason }) => reason === "missing").length;
  const named = settings.configFiles.length + settings.flagFiles.length - missing;
  for (const path of settings.configFiles) {
    if (path.toLowerCase() !== "none") await look(path, settings.home, found, log);
  }
  if (named > 0) return found;
  for (const name of defaultNames) await look(join(settings.home, ".ssh", name), settings.home, found, log, true);
  return found;
}

/** In the order of ssh's fill_default_options (readconf.c), without the kinds that nothing here can sign with. */
const defaultNames = ["id_rsa", "id_ecdsa", "id_ed25519"];

/** As OpenSSH's MAX_KEY_FILE_SIZE (authfile.c). */
const maxKeyBytes = 1024 * 1024;

interface Found {
  readonly files: KeyFile[];
  readonly unusable: UnusableFile[];
  readonly publicBlobs: Buffer[];
}

async function look(path: string, home: string, found: Found, log: Logger, isDefault = false): Promise<void> {
  const label = visible(path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path, 300);
  const refuse = (reason: UnusableFile["reason"], text: string, hint: string) => {
    found.unusable.push({ label, reason, text, hint });
    // Of the default files only what ssh warns of too.
    if (isDefault && reason !== "permissions") log.debug(text);
    else log.warn(text);
  };
  try {
    const { text, stats } = await readKeyFile(path);
    const recognized = recognizeKey(text);
    const publicBlob = recognized.publicBlob ?? (await readPublicPart(`${path}.pub`));
    if (publicBlob !== undefined) found.publicBlobs.push(publicBlob);
    if (isTooOpen(stats, recognized)) {
      const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
      const warning = `unprotected private key file: permissions ${mode} of ${label} let others read it, so it is ignored`;
      return refuse("permissions", warning, `${label} was ignored because others can read it: chmod 600 ${label}`);
    }
    const unknown = unknownType(publicBlob);
    if (unknown !== undefined) throw new Malformed(`its type ${visible(unknown)} is not supported`);
    found.files.push(new KeyFile({ label, text, recognized, publicBlob }));
  } catch (error) {
    if (error instanceof Malformed) {
      return refuse(
        "format",
        `cannot use the key ${label}: ${error.message}`,
        `the key ${label} was left out: ${error.message}`,
      );
    }
    const missing = errnoOf(error) === "ENOENT";
    const publicBlob = missing ? await readPublicPart(`${path}.pub`) : undefined;
    if (publicBlob !== undefined) {
      // The private half is kept elsewhere: in an agent.
      found.publicBlobs.push(publicBlob);
      found.files.push(publicOnly(label, publicBlob));
      return;
    }
    if (missing && isDefault) return;
    const why = describe(error);
    refuse(missing ? "missing" : "unreadable", `identity file ${label} not accessible: ${why}`, `${label}: ${why}`);
  }
}

function publicOnly(label: string, publicBlob: Buffer): KeyFile {
  return new KeyFile({ label, text: "", recognized: { format: "public", locked: false, publicBlob }, publicBlob });
}

async function readKeyFile(path: string): Promise<{ text: string; stats: Stats }> {
  const file = await open(path, "r");
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw new Error("it is a directory");
    return { text: await readBounded(file, maxKeyBytes), stats };
  } finally {
    await file.close();
  }
}

/** The `.pub` file beside a key whose own file hides the public part. */
async function readPublicPart(path: string): Promise<Buffer | undefined> {
  try {
    return parsePublicKey((await readKeyFile(path)).text);
  } catch {
    return undefined;
  }
}

/** sshkey_perm_ok (authfile.c): only for files of our own, and only where there are owners at all. */
function isTooOpen(stats: Stats, { format }: KeyText): boolean {
  if (format === "public" || process.platform === "win32" || (stats.mode & 0o077) === 0) return false;
  const uid = ownUid();
  return uid === undefined || uid === stats.uid;
}

function ownUid(): number | undefined {
  try {
    return process.getuid?.();
  } catch {
    // Deno asks for a permission of its own here, which porthop needs for nothing else.
    return undefined;
  }
}

function unknownType(blob: Buffer | undefined): string | undefined {
  const type = blob === undefined ? undefined : keyType(blob);
  if (type === undefined || /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521))$/.test(type)) return undefined;
  return type;
}
