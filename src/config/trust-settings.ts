/**
 * The settings of one host for trust: which host keys are believed, and how the user proves the login. ssh/trust.ts
 * takes this record. A setting that nobody gave has its default here, and each `~` is replaced by the home directory.
 */
import { underHome } from "../codec/home-path.ts";
import { currentHome, ownUid } from "./current-user.ts";
import { defaults } from "./defaults.ts";
import type { Keywords } from "./file/keyword-record.ts";
import { acceptedAlgorithms, authoritySignatures } from "./key-algorithms.ts";

/** What the words and the files say of one host: the destination or a jump host. */
export interface TrustWords {
  readonly keywords: Keywords;
  /** The files of -i. */
  readonly identityFiles: readonly string[];
}

export function trustSettings({ keywords, identityFiles }: TrustWords) {
  const home = currentHome(process.env);
  const agent = keywords.text("IdentityAgent");
  const publicKeys = keywords.text("PubkeyAuthentication") ?? defaults.pubkeyAuthentication;
  return {
    hostKeys: hostKeySettings(keywords, home),
    identities: {
      flagFiles: below(home, identityFiles),
      configFiles: below(home, keywords.all("IdentityFile")),
      usualFiles: below(home, defaults.identityFiles),
      certificateFiles: below(home, keywords.all("CertificateFile")),
      places: new Map([...keywords.placesOf("IdentityFile"), ...keywords.placesOf("CertificateFile")]),
      home,
      uid: ownUid(),
    },
    authentication: {
      pubkeyAuthentication: !/^(no|false)$/i.test(publicKeys),
      namesHost: publicKeys.toLowerCase() !== "unbound",
      passwordAuthentication: keywords.flag("PasswordAuthentication", defaults.passwordAuthentication),
      kbdInteractiveAuthentication: keywords.flag(
        "KbdInteractiveAuthentication",
        defaults.kbdInteractiveAuthentication,
      ),
      batchMode: isBatch(keywords),
      acceptedAlgorithms: acceptedAlgorithms(keywords.text("PubkeyAcceptedAlgorithms")),
      preferred: keywords.text("PreferredAuthentications")?.split(",") ?? defaults.preferredAuthentications,
      addsToAgent: !/^(no|false)$/i.test(keywords.text("AddKeysToAgent") ?? defaults.addKeysToAgent),
      identitiesOnly: keywords.flag("IdentitiesOnly", defaults.identitiesOnly),
      passwordPrompts: keywords.number("NumberOfPasswordPrompts") ?? defaults.passwordPrompts,
    },
    identityAgent: agent === undefined ? defaults.identityAgent : underHome(agent, home),
    requiredRsaBits: keywords.number("RequiredRSASize") ?? defaults.requiredRsaBits,
  };
}

/** BatchMode: nobody is asked for anything. */
export function isBatch(keywords: Keywords): boolean {
  return keywords.flag("BatchMode", defaults.batchMode);
}

function hostKeySettings(keywords: Keywords, home: string) {
  const ownFiles = keywords.list("UserKnownHostsFile");
  return {
    strict: strictness(keywords.text("StrictHostKeyChecking") ?? defaults.strictHostKeyChecking),
    userFiles: below(home, ownFiles ?? defaults.userKnownHostsFiles),
    globalFiles: below(home, keywords.list("GlobalKnownHostsFile") ?? defaults.globalKnownHostsFiles),
    hostKeyAlias: keywords.text("HostKeyAlias"),
    revokedFiles: below(home, keywords.list("RevokedHostKeys") ?? []),
    authoritySignatures: authoritySignatures(keywords.text("CASignatureAlgorithms")),
    hashKnownHosts: keywords.flag("HashKnownHosts", defaults.hashKnownHosts),
    update: hostKeyUpdate(keywords.text("UpdateHostKeys") ?? usualUpdate(ownFiles, home)),
  };
}

/** readconf.c, multistate_strict_hostkey: `true` is yes, and `false` and `off` are no. */
function strictness(text: string): "yes" | "accept-new" | "ask" | "no" {
  const lower = text.toLowerCase();
  if (lower === "ask" || lower === "accept-new") return lower;
  return lower === "yes" || lower === "true" ? "yes" : "no";
}

function hostKeyUpdate(text: string): "yes" | "ask" | "no" {
  const lower = text.toLowerCase();
  return lower === "ask" ? lower : lower === "yes" || lower === "true" ? "yes" : "no";
}

function usualUpdate(ownFiles: readonly string[] | undefined, home: string): string {
  const usualFile = underHome(defaults.userKnownHostsFiles[0], home);
  const isUsual = ownFiles?.every((path) => underHome(path, home) === usualFile) ?? true;
  return isUsual ? defaults.updateHostKeys : defaults.updateHostKeysInOwnFiles;
}

function below(home: string, paths: readonly string[]): readonly string[] {
  return paths.map((path) => underHome(path, home));
}
