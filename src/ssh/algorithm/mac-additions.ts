/**
 * The MACs that OpenSSH has and ssh2 lacks (mac.c): UMAC, and the encrypt-then-mac forms of MD5 and of cut hashes. The
 * old ones are there for old servers; porthop offers them to nobody who does not ask.
 */
import type { MacAddition } from "../ssh2/loading.ts";

export const macAdditions: ReadonlyMap<string, MacAddition> = new Map([
  ["umac-64@openssh.com", { hash: "umac-64", keyBytes: 16, tagBytes: 8, isEtm: false }],
  ["umac-128@openssh.com", { hash: "umac-128", keyBytes: 16, tagBytes: 16, isEtm: false }],
  ["umac-64-etm@openssh.com", { hash: "umac-64", keyBytes: 16, tagBytes: 8, isEtm: true }],
  ["umac-128-etm@openssh.com", { hash: "umac-128", keyBytes: 16, tagBytes: 16, isEtm: true }],
  ["hmac-md5-etm@openssh.com", { hash: "md5", keyBytes: 16, tagBytes: 16, isEtm: true }],
  ["hmac-md5-96-etm@openssh.com", { hash: "md5", keyBytes: 16, tagBytes: 12, isEtm: true }],
  ["hmac-sha1-96-etm@openssh.com", { hash: "sha1", keyBytes: 20, tagBytes: 12, isEtm: true }],
]);
