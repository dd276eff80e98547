/**
 * A value that is fine for each keyword, and the reading of lines.
 */
import { addOption } from "../../src/config/file/config-value.ts";
import { type Keyword, keywords } from "../../src/config/file/keyword.ts";
import { Keywords } from "../../src/config/file/keyword-record.ts";

export const names = Object.keys(keywords) as Keyword[];

export function read(...lines: string[]): Keywords {
  const read = new Keywords();
  for (const line of lines) addOption(read, line);
  return read;
}

/** A value that the keyword takes. */
export function valueFor(keyword: Keyword): string {
  const reading: string | readonly string[] = keywords[keyword];
  if (typeof reading === "object") return reading[0] ?? "";
  if (keyword === "SetEnv") return "NAME=value";
  if (reading === "forward") return keyword === "DynamicForward" ? "1080" : "8080 localhost:80";
  return (
    {
      "agent-keys": "ask",
      "rekey-limit": "1G",
      rate: "1MB/s",
      "remote-open": "db:5432",
      "yes-no": "yes",
      number: "7",
      octal: "0117",
      escape: "^]",
      seconds: "90",
      host: "vishnu",
      cipher: "aes256-ctr",
      mac: "hmac-sha2-256",
      kex: "curve25519-sha256",
      hostKey: "ssh-ed25519",
      publicKey: "ssh-ed25519",
      count: "3",
      duration: "45s",
      destination: "anna@backup:2222",
    }[reading] ?? "some-text"
  );
}
