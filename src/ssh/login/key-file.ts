/**
 * One key file. The file is opened when a signature is needed, and stays open: a locked file asks for its passphrase
 * once in a run, even when the session is made again. The passphrase itself is never kept.
 */
import { keyType } from "../../codec/keys/fingerprint.ts";
import type { KeyText } from "../../codec/keys/key-text.ts";
import { Malformed } from "../../codec/malformed.ts";
import type { Prompter } from "../prompter.ts";
import type { Ssh2 } from "../ssh2/loading.ts";
import { securityKey } from "./foreign-algorithm.ts";
import { openPrivateKey, type PrivateKey, WrongPassphrase } from "./private-key.ts";

/** A key that seemed usable could not be opened. */
export class KeyUnusable extends Error {
  override readonly name = "KeyUnusable";
  readonly reason: "passphrase" | "nobody" | "format";

  constructor(reason: KeyUnusable["reason"], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

export interface KeyFileFacts {
  /** The path as the user would write it. */
  readonly label: string;
  readonly text: string;
  readonly recognized: Pick<KeyText, "format" | "locked">;
  readonly publicBlob: Buffer | undefined;
  /** One of ssh's default files, which the user did not ask for. */
  readonly isOptional?: boolean;
  /** Only the certificate of the key is offered, which stands in the `.pub` file. */
  readonly isCertified?: boolean;
}

export interface Opening {
  readonly ssh2: Ssh2;
  readonly prompter: Prompter | undefined;
  /** How often a passphrase is asked for (NumberOfPasswordPrompts). */
  readonly prompts: number;
  readonly signal?: AbortSignal | undefined;
}

export class KeyFile {
  readonly label: string;
  /** The public key, when it is known without opening the file. */
  readonly publicBlob: Buffer | undefined;
  /**
   * The file has no usable private key. The private key may be in an agent, or in a security device that an agent can
   * use.
   */
  readonly isPublic: boolean;
  /** The key is in a security device (FIDO), and only an agent can ask the device for a signature. */
  readonly isSecurityKey: boolean;
  readonly isOptional: boolean;
  readonly isCertified: boolean;
  /** The file needs a passphrase. */
  readonly isLocked: boolean;
  readonly #text: string;
  #opened: PrivateKey | undefined;

  constructor({ label, text, recognized, publicBlob, isOptional = false, isCertified = false }: KeyFileFacts) {
    this.label = label;
    this.publicBlob = publicBlob;
    this.isSecurityKey = securityKey.test((publicBlob && keyType(publicBlob)) ?? "");
    this.isPublic = recognized.format === "public" || this.isSecurityKey;
    this.isOptional = isOptional;
    this.isCertified = isCertified;
    this.#text = text;
    this.isLocked = recognized.locked;
  }

  /** True once a signature was or could be made: nobody is asked for a passphrase any more. */
  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  /** Takes what another KeyFile has opened, when that one was read from the same file with the same content. */
  stayOpen(earlier: KeyFile): void {
    const isSame =
      earlier.label === this.label && earlier.#text === this.#text && sameBlob(earlier.publicBlob, this.publicBlob);
    if (isSame) this.#opened ??= earlier.#opened;
  }

  /** Rejects with KeyUnusable, or with the prompter's reason. */
  async open(opening: Opening): Promise<PrivateKey> {
    this.#opened ??= this.#check(this.isLocked ? await this.#unlock(opening) : this.#read(opening.ssh2));
    return this.#opened;
  }

  async #unlock({ ssh2, prompter, prompts, signal }: Opening): Promise<PrivateKey> {
    if (prompter === undefined) {
      throw new KeyUnusable("nobody", `${this.label} is locked by a passphrase, and there is nobody to ask for it`);
    }
    for (let tries = 0; tries < prompts; tries++) {
      const passphrase = await prompter.secret(`Enter passphrase for key '${this.label}': `, signal);
      // As with ssh, an empty answer means to go on without this key.
      if (passphrase === "") throw new KeyUnusable("passphrase", `no passphrase was given for ${this.label}`);
      try {
        return this.#read(ssh2, passphrase);
      } catch (error) {
        if (!(error instanceof WrongPassphrase)) throw error;
      }
    }
    throw new KeyUnusable("passphrase", `wrong passphrase for ${this.label}`);
  }

  #read(ssh2: Ssh2, passphrase?: string): PrivateKey {
    try {
      return openPrivateKey(ssh2, this.#text, passphrase);
    } catch (error) {
      if (error instanceof Malformed) throw new KeyUnusable("format", `${this.label}: ${error.message}`, error);
      throw error;
    }
  }

  /** With a `.pub` file of another key, the server would accept one key and get the signature of another. */
  #check(key: PrivateKey): PrivateKey {
    if (this.publicBlob === undefined || this.publicBlob.equals(key.blob)) return key;
    throw new KeyUnusable("format", `${this.label} and ${this.label}.pub are two different keys`);
  }
}

function sameBlob(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}
