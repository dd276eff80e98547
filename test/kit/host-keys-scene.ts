/**
 * Files of known hosts as a test writes them, and the host keys that are loaded from them.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeStrings } from "../../src/codec/ssh-string.ts";
import { type HostKeySettings, loadHostKeys } from "../../src/ssh/host/host-keys.ts";
import type { Prompter } from "../../src/ssh/prompter.ts";
import { LogLines } from "./log-lines.ts";
import { tempDirectory } from "./temp.ts";

export const folder = tempDirectory("host-keys");

export const ed25519 = writeStrings("ssh-ed25519", Buffer.alloc(32, 1));

export const other = writeStrings("ssh-ed25519", Buffer.alloc(32, 2));

export const text = (blob: Buffer, type = "ssh-ed25519") => `${type} ${blob.toString("base64")}`;

/** A path at which there is nothing yet. */
export function freshPath(): string {
  return join(folder, `${++paths}`);
}
let paths = 0;

/** A known_hosts file with these lines, in a folder of its own. */
export function knownHosts(...lines: string[]): string {
  const own = freshPath();
  const path = join(own, "known_hosts");
  mkdirSync(own);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return path;
}

export interface Case extends Partial<HostKeySettings> {
  readonly host?: string;
  readonly port?: number;
  readonly prompter?: Prompter;
  readonly log?: LogLines;
}

export function load(
  path: string,
  { host = "vishnu", port = 22, prompter, log = new LogLines(), ...settings }: Case = {},
) {
  return loadHostKeys(
    host,
    port,
    { strict: "ask", userFiles: [path], globalFiles: [], hashKnownHosts: false, ...settings },
    { prompter, log, address: "10.0.0.2" },
  );
}
