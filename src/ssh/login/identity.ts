/**
 * The key files that may prove who we are: those named by -i and IdentityFile, or else the usual ones.
 * A file that cannot be used is left out with a reason, which the login's error tells if it fails; none is fatal.
 */
import type { Stats } from "node:fs";
import { type Certificate, isCertificateType } from "../../codec/keys/certificate.ts";
import { keyType } from "../../codec/keys/fingerprint.ts";
import { type KeyText, parsePublicKey, recognizeKey } from "../../codec/keys/key-text.ts";
import { Malformed } from "../../codec/malformed.ts";
import { openFile } from "../../io/open-file.ts";
import { describe, errnoOf } from "../../io/socket-failure.ts";
import type { Logger } from "../../plugin.ts";
import { visible } from "../../text/terminal-text.ts";
import { readBounded } from "../bounded-file.ts";
import { securityKey } from "./foreign-algorithm.ts";
import { KeyFile } from "./key-file.ts";
import { readUserCertificate, type UserCertificate } from "./user-certificate.ts";

export interface IdentitySettings {
  /** From -i. As with ssh, a missing file causes a warning and then counts as not given. */
  readonly flagFiles: readonly string[];
  /** From IdentityFile, with `~` and tokens filled in. `none` as the only value means no file at all. */
  readonly configFiles: readonly string[];
  /** Looked for when no other is named, without a word about those that are not there. */
  readonly usualFiles: readonly string[];
  /** From CertificateFile. With one, the certificates beside the keys are not looked for (ssh.c, load_public_identity_files). */
  readonly certificateFiles?: readonly string[] | undefined;
  /** For each path the file and line of the configuration that names the key or certificate. */
  readonly places?: ReadonlyMap<string, string> | undefined;
  readonly home: string;
  /** The number of our user, whose files must not be open to others. Undefined counts for every owner. */
  readonly uid?: number | undefined;
}

/** A file that exists or was asked for, and cannot be used. */
export interface UnusableFile {
  readonly label: string;
  readonly reason: "missing" | "unreadable" | "permissions" | "format";
  /** What is wrong, in the words of the warning. */
  readonly text: string;
  readonly hint: string;
}

export interface Identities {
  /** In the order in which they are tried. */
  readonly files: readonly KeyFile[];
  readonly certificates: readonly UserCertificate[];
  readonly unusable: readonly UnusableFile[];
  /**
   * The public parts of all files, usable or not, and all certificates. With IdentitiesOnly, an agent's key is used
   * only when it is among these.
   */
  readonly publicBlobs: readonly Buffer[];
}

/** Reads the files once. A locked file is opened only when a server accepts its public part. */
export async function loadIdentities(settings: IdentitySettings, log: Logger): Promise<Identities> {
  const found: FoundFiles = { files: [], certificates: [], unusable: [], publicBlobs: [] };
  const certificateFiles = (settings.certificateFiles ?? []).filter((path) => path.toLowerCase() !== "none");
  const { home, places, uid } = settings;
  for (const path of certificateFiles)
    await lookAtCertificate(path, labelOf(path, home), places?.get(path), found, log);
  const context = { home, places, uid, found, log, besides: certificateFiles.length === 0 };
  for (const path of settings.flagFiles) await look(path, context);
  const missing = found.unusable.filter(({ reason }) => reason === "missing").length;
  const named = settings.configFiles.length + settings.flagFiles.length - missing;
  for (const path of settings.configFiles) {
    if (path.toLowerCase() !== "none") await look(path, context);
  }
  if (named > 0) return found;
  for (const path of settings.usualFiles) await look(path, context, true);
  return found;
}

/** As OpenSSH's MAX_KEY_FILE_SIZE (authfile.c). */
const maxKeyBytes = 1024 * 1024;

interface FoundFiles {
  readonly files: KeyFile[];
  readonly certificates: UserCertificate[];
  readonly unusable: UnusableFile[];
  readonly publicBlobs: Buffer[];
}

interface Looking {
  readonly home: string;
  readonly places: IdentitySettings["places"];
  readonly uid: IdentitySettings["uid"];
  readonly found: FoundFiles;
  readonly log: Logger;
  /** True when `KEY-cert.pub` is looked for beside each KEY. */
  readonly besides: boolean;
}

async function look(path: string, looking: Looking, isDefault = false): Promise<void> {
  const { home, places, found, log } = looking;
  const label = labelOf(path, home);
  const refuse = (reason: UnusableFile["reason"], why: string, hint: string) => {
    const text = `${placed(places?.get(path))}${why}`;
    found.unusable.push({ label, reason, text, hint });
    // As with ssh, a problem with a default file causes a warning only when the file's permissions are wrong.
    if (isDefault && reason !== "permissions") log.debug(text);
    else log.warn(text);
  };
  try {
    const mode = await take(path, label, looking, isDefault);
    if (mode === undefined) return;
    const warning = `unprotected private key file: permissions ${mode} of ${label} let others read it, so it is ignored`;
    refuse("permissions", warning, `${label} was ignored because others can read it: chmod 600 ${label}`);
  } catch (error) {
    if (error instanceof Malformed) {
      const what = error.message;
      return refuse("format", `cannot use the key ${label}: ${what}`, `the key ${label} was left out: ${what}`);
    }
    const missing = errnoOf(error) === "ENOENT";
    if (missing && (await takePublicPart(path, label, looking, isDefault))) return;
    if (missing && isDefault) return;
    const why = describe(error);
    refuse(missing ? "missing" : "unreadable", `identity file ${label} not accessible: ${why}`, `${label}: ${why}`);
  }
}

/** Returns the file's permissions when they let others read the key, which is then not taken. */
async function take(path: string, label: string, looking: Looking, isOptional: boolean): Promise<string | undefined> {
  const { found, home, log, besides } = looking;
  const { text, stats } = await readKeyFile(path);
  const recognized = recognizeKey(text);
  const beside = recognized.format === "public" ? undefined : await readPublicPart(`${path}.pub`);
  const certificate = certificateOf(recognized.publicBlob, beside);
  const publicBlob = recognized.publicBlob ?? certificate?.key ?? beside;
  const named = certificate === undefined ? publicBlob : beside;
  if (named !== undefined) found.publicBlobs.push(named);
  if (isTooOpen(stats, recognized, looking.uid)) return (stats.mode & 0o777).toString(8).padStart(4, "0");
  const unknown = unknownType(publicBlob);
  if (unknown !== undefined) throw new Malformed(`its type ${visible(unknown)} is not supported`);
  if (publicBlob !== undefined && isCertificateType(keyType(publicBlob) ?? "")) {
    found.certificates.push(readUserCertificate(label, publicBlob));
    return undefined;
  }
  const file = new KeyFile({ label, text, recognized, publicBlob, isOptional, isCertified: certificate !== undefined });
  found.files.push(file);
  if (certificate !== undefined && beside !== undefined) {
    found.certificates.push({ label: `${label}.pub`, blob: beside, certificate, file });
  }
  if (besides) await lookBeside(path, file, home, found, log);
  return undefined;
}

/** For a private key that is kept elsewhere, in an agent: `KEY.pub` names it. False when there is no such file. */
async function takePublicPart(path: string, label: string, looking: Looking, isOptional: boolean): Promise<boolean> {
  const { found, home, log, besides } = looking;
  const publicBlob = await readPublicPart(`${path}.pub`);
  if (publicBlob === undefined) return false;
  found.publicBlobs.push(publicBlob);
  const certificate = certificateOf(undefined, publicBlob);
  if (certificate !== undefined) {
    found.certificates.push({ label: `${label}.pub`, blob: publicBlob, certificate });
    return true;
  }
  const recognized = { format: "public", locked: false } as const;
  const file = new KeyFile({ label, text: "", recognized, publicBlob, isOptional });
  found.files.push(file);
  if (besides) await lookBeside(path, file, home, found, log);
  return true;
}

/**
 * The certificate in the `.pub` file beside a key, which ssh offers in place of the key (sshconnect2.c,
 * pubkey_prepare). Undefined for a plain key, and for a certificate of another key or for hosts.
 */
function certificateOf(key: Buffer | undefined, beside: Buffer | undefined): Certificate | undefined {
  if (beside === undefined || !isCertificateType(keyType(beside) ?? "")) return undefined;
  try {
    const { certificate } = readUserCertificate("", beside);
    return key === undefined || key.equals(certificate.key) ? certificate : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/**
 * As sshkey_load_public, tries the name as it is and then with `.pub`. A file that is no certificate, or is one for
 * hosts, is ignored.
 */
async function lookBeside(path: string, file: KeyFile, home: string, found: FoundFiles, log: Logger): Promise<void> {
  for (const name of [`${path}-cert`, `${path}-cert.pub`]) {
    const blob = await readPublicPart(name);
    if (blob === undefined) continue;
    const label = labelOf(name, home);
    try {
      found.certificates.push(readUserCertificate(label, blob, file));
      found.publicBlobs.push(blob);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      log.debug(`passing over ${label}: ${error.message}`);
    }
    return;
  }
}

/** A certificate file that the user names must exist and be a certificate for users. Otherwise there is a warning. */
async function lookAtCertificate(
  path: string,
  name: string,
  place: string | undefined,
  found: FoundFiles,
  log: Logger,
): Promise<void> {
  const label = place === undefined ? name : `${name} (${visible(place, 200)})`;
  try {
    const blob = parsePublicKey((await readKeyFile(path)).text);
    if (blob === undefined) throw new Malformed("it is not a certificate");
    found.certificates.push(readUserCertificate(label, blob));
    found.publicBlobs.push(blob);
  } catch (error) {
    const text = `cannot use the certificate ${label}: ${error instanceof Malformed ? error.message : describe(error)}`;
    found.unusable.push({ label, reason: error instanceof Malformed ? "format" : "unreadable", text, hint: text });
    log.warn(text);
  }
}

function placed(place: string | undefined): string {
  return place === undefined ? "" : `${visible(place, 200)}: `;
}

function labelOf(path: string, home: string): string {
  return visible(path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path, 300);
}

async function readKeyFile(path: string): Promise<{ text: string; stats: Stats }> {
  const file = await openFile(path);
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw new Error("it is a directory");
    return { text: await readBounded(file, maxKeyBytes), stats };
  } finally {
    await file.close();
  }
}

/** The public key from the `.pub` file beside a key file. Undefined when there is none. */
async function readPublicPart(path: string): Promise<Buffer | undefined> {
  try {
    return parsePublicKey((await readKeyFile(path)).text);
  } catch {
    return undefined;
  }
}

/**
 * As sshkey_perm_ok (authfile.c): only files of our own user are checked, and only on systems where files have owners.
 */
function isTooOpen(stats: Stats, { format }: KeyText, uid: number | undefined): boolean {
  if (format === "public" || process.platform === "win32" || (stats.mode & 0o077) === 0) return false;
  return uid === undefined || uid === stats.uid;
}

function unknownType(blob: Buffer | undefined): string | undefined {
  const type = blob === undefined ? undefined : keyType(blob);
  if (type === undefined || plainTypes.test(type) || securityKey.test(type) || isCertificateType(type))
    return undefined;
  return type;
}

const plainTypes = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521))$/;
