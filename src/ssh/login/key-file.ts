/**
 * One key file, opened when its signature is wanted and then kept open: a locked one asks for its passphrase once in
 * a run, also when the session has to be made again. The passphrase itself is never kept.
 */
import { keyType } from "../../codec/keys/fingerprint.ts";
import type { KeyText } from "../../codec/keys/key-text.ts";
import { Malformed } from "../../codec/malformed.ts";
import type { Prompter } from "../prompter.ts";
import type { Ssh2 } from "../ssh2/loading.ts";
import { securityKey } from "./foreign-algorithm.ts";
import { openPrivateKey, type PrivateKey, WrongPassphrase } from "./private-key.ts";

/** Why a key that looked well could not be opened. */
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
  readonly recognized: KeyText;
  readonly publicBlob: Buffer | undefined;
  /** One of ssh's default files: nobody asked for it. */
  readonly isOptional?: boolean;
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
  /** The public part where it is known without opening the file. */
  readonly publicBlob: Buffer | undefined;
  /** No private key is in it: that may be in an agent, or in a security device that an agent knows. */
  readonly isPublic: boolean;
  /** It leads to a security device (FIDO), which only an agent can ask to sign. */
  readonly isSecurityKey: boolean;
  readonly isOptional: boolean;
  /** A passphrase opens it. */
  readonly isLocked: boolean;
  readonly #text: string;
  #opened: PrivateKey | undefined;

  constructor({ label, text, recognized, publicBlob, isOptional = false }: KeyFileFacts) {
    this.label = label;
    this.publicBlob = publicBlob;
    this.isSecurityKey = securityKey.test((publicBlob && keyType(publicBlob)) ?? "");
    this.isPublic = recognized.format === "public" || this.isSecurityKey;
    this.isOptional = isOptional;
    this.#text = text;
    this.isLocked = recognized.locked;
  }

  /** Rejects with KeyUnusable, or with what the prompter rejects with. */
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
      // As in ssh an empty answer means: go on without this key.
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

  /** A `.pub` file of another key would make the server accept one key and then get a signature of another. */
  #check(key: PrivateKey): PrivateKey {
    if (this.publicBlob === undefined || this.publicBlob.equals(key.blob)) return key;
    throw new KeyUnusable("format", `${this.label} and ${this.label}.pub are two different keys`);
  }
}
