/**
 * Decides whether a host key belongs to the host, as ssh decides (StrictHostKeyChecking with known_hosts; OpenSSH's
 * sshconnect.c, check_host_key). A changed key is always refused, whatever the settings are.
 */
import { randomBytes } from "node:crypto";
import type { Certificate } from "../../codec/keys/certificate.ts";
import { fingerprint, keyType, keyTypeName } from "../../codec/keys/fingerprint.ts";
import { formatKnownHost, type KnownHost, knownHostName, matchesHost } from "../../codec/keys/known-hosts.ts";
import { Malformed } from "../../codec/malformed.ts";
import { PorthopError } from "../../errors.ts";
import { isShortage } from "../../io/open-file.ts";
import { describe } from "../../io/socket-failure.ts";
import type { Logger } from "../../plugin.ts";
import { visible } from "../../text/terminal-text.ts";
import type { Prompter } from "../prompter.ts";
import { authorityFlaw, readHostCertificate } from "./host-authority.ts";
import { askAboutHostKey } from "./host-key-question.ts";
import { appendKnownHost, type KnownHostsFile, readKnownHosts } from "./known-hosts-file.ts";
import { refuseMarked } from "./revoked-keys.ts";

export interface HostKeySettings {
  readonly strict: "yes" | "accept-new" | "ask" | "no";
  /** UserKnownHostsFile, with `~` and tokens filled in. New keys go to the first file. `none` is no file. */
  readonly userFiles: readonly string[];
  readonly globalFiles: readonly string[];
  readonly hostKeyAlias?: string | undefined;
  readonly hashKnownHosts: boolean;
  /** CASignatureAlgorithms. Undefined for all except those with SHA-1. */
  readonly authoritySignatures?: readonly string[] | undefined;
  /** RevokedHostKeys, with `~` filled in. */
  readonly revokedFiles?: readonly string[] | undefined;
  /** UpdateHostKeys. Undefined means `no`. */
  readonly update?: "yes" | "no" | "ask" | undefined;
}

export interface HostKeyDeps {
  /** Undefined when there is nobody to ask. */
  readonly prompter: Prompter | undefined;
  readonly log: Logger;
  /** The host's IP address, shown in the question. */
  readonly address?: string | undefined;
}

/** Reads the known_hosts files. A file that cannot be read causes a warning and no error, except in a shortage of files. */
export async function loadHostKeys(
  host: string,
  port: number,
  settings: HostKeySettings,
  deps: HostKeyDeps,
): Promise<HostKeys> {
  const files: KnownHostsFile[] = [];
  for (const path of [...settings.userFiles, ...settings.globalFiles]) {
    if (path.toLowerCase() === "none") continue;
    try {
      const file = await readKnownHosts(path);
      for (const { line, reason } of file.unreadable) deps.log.debug(`${path}:${line} is left out: ${reason}`);
      files.push(file);
    } catch (error) {
      const text = `cannot read known hosts from ${path}: ${describe(error)}`;
      // This passes. Until then a key that is known must not be told, or even accepted, as a new one.
      if (isShortage(error)) throw new PorthopError("ssh.unreachable", text, { leg: 2, cause: error });
      deps.log.warn(text);
    }
  }
  return new HostKeys(host, port, settings, deps, files);
}

/** One known_hosts line that matches the host, or a key that was accepted in this run. */
interface KnownLine extends Pick<KnownHost, "type" | "blob" | "key" | "marker"> {
  /** `path` is the file, `where` is `FILE:LINE`. Both are undefined for a key that was accepted in this run. */
  readonly path: string | undefined;
  readonly where: string | undefined;
}

export class HostKeys {
  /** The name that known_hosts has for the host. */
  readonly name: string;
  readonly #settings: HostKeySettings;
  readonly #deps: HostKeyDeps;
  readonly #files: readonly KnownHostsFile[];
  readonly #known: KnownLine[];
  /** Lines for the host without its port: a match accepts the key, a mismatch does not refuse it. */
  readonly #knownWithoutPort: readonly KnownLine[];
  /** The host's name as certificates have it: without the port. */
  readonly #certifiedName: string;
  /** Why the last accepted key was accepted, in words. */
  grounds: string | undefined;
  #isTrusted = false;
  /** Why the last certificate was not accepted. */
  #certificateFlaw: string | undefined;

  constructor(
    host: string,
    port: number,
    settings: HostKeySettings,
    deps: HostKeyDeps,
    files: readonly KnownHostsFile[],
  ) {
    const alias = settings.hostKeyAlias;
    // An alias stands for the host and the port together.
    this.name = alias === undefined ? knownHostName(host, port) : alias.toLowerCase();
    this.#certifiedName = (alias ?? host).toLowerCase();
    this.#settings = settings;
    this.#deps = deps;
    this.#files = files;
    this.#known = find(files, this.name);
    const bare = knownHostName(host, 22);
    this.#knownWithoutPort = alias === undefined && bare !== this.name ? find(files, bare) : [];
  }

  /**
   * The algorithms of the keys that are known, best first. The server must be asked for these keys before all others.
   * As with ssh, a known key that is also revoked does not count: the server may have another key.
   */
  get knownAlgorithms(): readonly string[] {
    const from = this.#known.length > 0 ? this.#known : this.#knownWithoutPort;
    const good = from.filter(
      ({ marker, key }) => marker === undefined && !this.#revoked.some((line) => line.key.equals(key)),
    );
    const types = new Set(good.map(({ type }) => type));
    return algorithms.filter(([, type]) => types.has(type)).map(([algorithm]) => algorithm);
  }

  /** True when a line trusts an authority for this host. The server is then asked for a certificate first. */
  get hasAuthority(): boolean {
    return this.#known.some(({ marker }) => marker === "cert-authority");
  }

  /**
   * True when the known_hosts files may be updated from the server's list of keys: the accepted key stands in a file of
   * the user, or a person has confirmed the key (sshconnect.c, check_host_key).
   */
  get isTrusted(): boolean {
    return this.#isTrusted;
  }

  /** Resolves when the key or certificate is accepted; rejects with the PorthopError that says why it is not. */
  async verify(blob: Uint8Array, signal?: AbortSignal): Promise<void> {
    const certificate = readHostCertificate(blob, this.name);
    const offered = describeKey(certificate?.key ?? blob, this.name);
    refuseMarked(offered, certificate, this.name, this.#revoked);
    if (this.#isCertified(certificate) || this.#isKnown(offered)) return;
    refuseChanged(offered, this.#known, this.name);
    await this.#meet(offered, signal);
  }

  get #revoked(): readonly KnownLine[] {
    return [...this.#known, ...this.#knownWithoutPort].filter(({ marker }) => marker === "revoked");
  }

  /**
   * False for a certificate that is not good enough. As with ssh, the plain key inside is then checked like any other
   * key.
   */
  #isCertified(certificate: Certificate | undefined): boolean {
    const authorities = this.#known.filter(({ marker }) => marker === "cert-authority");
    if (authorities.length === 0) return false;
    const { authoritySignatures } = this.#settings;
    this.#certificateFlaw = authorityFlaw(certificate, authorities, this.#certifiedName, authoritySignatures);
    if (certificate !== undefined && this.#certificateFlaw !== undefined) {
      this.#deps.log.warn(`${visible(this.name)}: ${this.#certificateFlaw}`);
    }
    if (this.#certificateFlaw === undefined) this.grounds = "certified by an authority that known_hosts trusts";
    return this.#certificateFlaw === undefined;
  }

  #isKnown({ blob }: Offered): boolean {
    const known = [...this.#known, ...this.#knownWithoutPort].find(
      (entry) => entry.marker === undefined && entry.blob.equals(blob),
    );
    if (known?.path !== undefined) this.#isTrusted = this.#settings.userFiles.includes(known.path);
    if (known?.where !== undefined) this.grounds = `known in ${known.where}`;
    return known !== undefined;
  }

  /** The host has no known key. StrictHostKeyChecking decides what happens. */
  async #meet(offered: Offered, signal: AbortSignal | undefined): Promise<void> {
    const { strict } = this.#settings;
    if (strict === "yes") throw this.#unknown(offered, "and StrictHostKeyChecking is yes");
    if (strict === "ask") {
      const { prompter } = this.#deps;
      if (prompter === undefined) throw this.#unknown(offered, "and there is nobody to ask");
      const question = { ...offered, name: this.name, address: this.#deps.address };
      const accepted = await askAboutHostKey(prompter, question, this.#files, signal);
      if (!accepted) throw this.#unknown(offered, "and was not accepted");
      this.#isTrusted = true;
    }
    this.grounds = strict === "ask" ? "new, and confirmed just now" : `new: StrictHostKeyChecking is ${strict}`;
    this.#known.push({ ...offered, key: offered.blob, marker: undefined, path: undefined, where: undefined });
    await this.#remember(offered);
  }

  #unknown(offered: Offered, why: string): PorthopError {
    const known = this.#certificateFlaw === undefined ? "" : `; ${this.#certificateFlaw}`;
    const file = this.#settings.userFiles[0] ?? "~/.ssh/known_hosts";
    return new PorthopError(
      "ssh.host-key-unknown",
      `the host key of ${visible(this.name)} is not known ${why}: ${offered.text}${known}`,
      { leg: 2, hint: `verify the fingerprint, then add this line to ${file}: ${this.#line(offered, false)}` },
    );
  }

  async #remember(offered: Offered): Promise<void> {
    const { log } = this.#deps;
    const path = this.#settings.userFiles[0];
    if (path === undefined || path.toLowerCase() === "none") return;
    const shown = visible(this.name);
    try {
      const line = this.#line(offered, this.#settings.hashKnownHosts);
      // Another session may have met the host since the files were read.
      const isAdded = await appendKnownHost(path, line, ({ entries, unreadable }) => {
        const now = find([{ path, entries, unreadable }], this.name).filter(({ marker }) => marker === undefined);
        if (now.some(({ blob }) => blob.equals(offered.blob))) return true;
        refuseChanged(offered, now, this.name);
        return false;
      });
      if (isAdded) log.warn(`permanently added ${shown} (${offered.kind} ${offered.fingerprint}) to ${path}`);
    } catch (error) {
      if (error instanceof PorthopError) throw error;
      log.warn(`cannot add ${shown} to ${path}: ${describe(error)}`);
    }
  }

  #line({ blob }: Offered, hashed: boolean): string {
    try {
      return formatKnownHost({ name: this.name, blob, salt: hashed ? randomBytes(20) : undefined });
    } catch (error) {
      // A HostKeyAlias may have characters that known_hosts does not allow. Such a name can still be written as a hash.
      if (!(error instanceof Malformed)) throw error;
      return formatKnownHost({ name: this.name, blob, salt: randomBytes(20) });
    }
  }
}

/** ssh2's host key algorithms, best first, each with its key type. RFC 8332 has three algorithms for one type. */
const algorithms: readonly (readonly [algorithm: string, type: string])[] = [
  ["ssh-ed25519", "ssh-ed25519"],
  ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"],
  ["ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"],
  ["ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"],
  ["rsa-sha2-512", "ssh-rsa"],
  ["rsa-sha2-256", "ssh-rsa"],
  ["ssh-rsa", "ssh-rsa"],
];

interface Offered {
  readonly blob: Buffer;
  readonly type: string;
  /** Such as `ED25519`. */
  readonly kind: string;
  readonly fingerprint: string;
  /** Such as `ED25519 key SHA256:...`. */
  readonly text: string;
}

/** Throws when the host has another known key, also one of another type (hostfile.c): the key has then changed. */
function refuseChanged(offered: Offered, known: readonly KnownLine[], name: string): void {
  const plain = known.filter(({ marker }) => marker === undefined);
  const old = plain.find(({ type }) => type === offered.type) ?? plain[0];
  if (old === undefined) return;
  const says = old.where === undefined ? "earlier in this run it was" : `${old.where} has`;
  const remove =
    old.path === undefined
      ? ""
      : `; only when the new key is confirmed: ssh-keygen -f ${shellWord(old.path)} -R ${shellWord(name)}`;
  throw new PorthopError(
    "ssh.host-key-changed",
    `the host key of ${visible(name)} has changed, which may be an attack: it is now the ${offered.text}, but ${says} ${keyTypeName(old.type)} ${fingerprint(old.blob)}`,
    { leg: 2, hint: `ask the server's owner whether the key was changed${remove}` },
  );
}

function describeKey(bytes: Uint8Array, name: string): Offered {
  const blob = Buffer.from(bytes);
  const type = keyType(blob);
  if (type === undefined) {
    throw new PorthopError("ssh.protocol", `${visible(name)} sent a host key that cannot be read`, { leg: 2 });
  }
  const kind = keyTypeName(type);
  return { blob, type, kind, fingerprint: fingerprint(blob), text: `${kind} key ${fingerprint(blob)}` };
}

function find(files: readonly KnownHostsFile[], name: string): KnownLine[] {
  return files.flatMap(({ path, entries }) =>
    entries
      .filter((entry) => matchesHost(entry, name))
      .map(({ line, ...entry }) => ({ ...entry, path, where: `${path}:${line}` })),
  );
}

/** The text as one word of a shell command that the user may copy. */
function shellWord(text: string): string {
  return /^[\w./~:@%+-]+$/.test(text) ? text : `'${visible(text).replaceAll("'", "'\\''")}'`;
}
