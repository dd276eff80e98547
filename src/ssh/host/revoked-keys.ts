/**
 * RevokedHostKeys: host keys and authorities that are never believed, one on a line as in a `.pub` file. As with ssh
 * (sshconnect.c, verify_host_key) a list that cannot be read ends the connection; a KRL is one that porthop cannot read.
 */
import { open } from "node:fs/promises";
import { fingerprint } from "../../codec/keys/fingerprint.ts";
import { parsePublicKey } from "../../codec/keys/key-file.ts";
import { visible } from "../../codec/terminal-text.ts";
import { PorthopError } from "../../errors.ts";
import { describe } from "../../io/failure.ts";
import { readBounded } from "../bounded-file.ts";
import { readHostCertificate } from "./host-authority.ts";

/** `path` is the list; without one, or with `none`, there is nothing to refuse. */
export async function refuseRevoked(blob: Uint8Array, name: string, path: string | undefined): Promise<void> {
  if (path === undefined || path.toLowerCase() === "none") return;
  const revoked = await readRevoked(path);
  const certificate = readHostCertificate(blob, name);
  const bad = [certificate?.key ?? Buffer.from(blob), ...(certificate === undefined ? [] : [certificate.authority])];
  const found = bad.findIndex((key) => revoked.some(({ blob }) => blob.equals(key)));
  const key = bad[found];
  if (key === undefined) return;
  const line = revoked.find((each) => each.blob.equals(key))?.line;
  const what = found === 0 ? "host key" : "authority of the host certificate";
  throw new PorthopError(
    "ssh.host-key-revoked",
    `the ${what} of ${visible(name)}, ${fingerprint(key)}, is in RevokedHostKeys: ${visible(path, 200)}:${line}`,
    { leg: 2 },
  );
}

interface Revoked {
  readonly blob: Buffer;
  /** Counted from 1. */
  readonly line: number;
}

/** What begins a KRL (PROTOCOL.krl, section 1). */
const krlMagic = "SSHKRL\n\0";

const maxBytes = 64 * 1024 * 1024;

async function readRevoked(path: string): Promise<readonly Revoked[]> {
  const text = await readText(path);
  if (text.startsWith(krlMagic)) throw unreadable(path, "it is a KRL, and porthop reads lists of public keys only");
  return text.split("\n").flatMap((row, index) => {
    const blob = parsePublicKey(row);
    return blob === undefined ? [] : [{ blob, line: index + 1 }];
  });
}

async function readText(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      return await readBounded(file, maxBytes, "latin1");
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, describe(error));
  }
}

function unreadable(path: string, why: string): PorthopError {
  return new PorthopError("file.cannot-read", `cannot read RevokedHostKeys ${visible(path, 200)}: ${why}`, {
    hint: "without the list no host key can be believed: mend it, or take RevokedHostKeys out of the configuration",
  });
}
