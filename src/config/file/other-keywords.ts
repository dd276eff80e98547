/**
 * The keywords of ssh that porthop does not have (readconf.c up to 10.2, with Debian's and Apple's own): the other half
 * of the table in keyword.ts. For each one: how ssh judges its value, which values ask for what porthop does anyway, and
 * what happens with any other value.
 */
import type { ValueShape } from "./other-values.ts";

/**
 * `unfelt`: taken; a file with it is worth a note for -v, a typed one a warning. `felt`: taken with a warning.
 * `refused`: wrong usage where it is typed; in a file, which is for every host and every program, a warning.
 * `stops`: an error in a file too.
 */
export type Weight = "unfelt" | "felt" | "refused" | "stops";

export interface OtherKeyword {
  /** As ssh_config(5) spells it. */
  readonly name: string;
  readonly shape: ValueShape;
  readonly weight: Weight;
  /** What does not happen. */
  readonly lack: string;
  /** What to do instead. */
  readonly hint: string | undefined;
  /** Whether porthop does what this value asks for, by doing nothing. */
  isMet(value: string): boolean;
}

/** Undefined for a keyword that porthop has, and for one that ssh does not know. */
export function findOther(name: string): OtherKeyword | undefined {
  return byLowerCase.get(name.toLowerCase());
}

export function otherNames(): readonly string[] {
  return [...byLowerCase.values()].map(({ name }) => name);
}

const no = /^(?:no|false)$/i;
const none = /^none$/i;
/** ssh itself does nothing with the keyword, or only beside another keyword of this table. */
const all = /^/;

/** Classes of IPQoS that mark no packet, or with a bit that no router of today looks at. */
const unmarked = /^(?:none|throughput|cs0|0)(?: (?:none|throughput|cs0|0))?$/i;

const noGssapi = "no login by Kerberos: the other methods are tried";
const noShortName = "a name is taken as it stands, and no domain is put behind it";
const noMaster = "each run makes a connection of its own, and shares it with no ssh";
const noIdleEnd = "no channel is closed because it is silent";
const wholeName = "write the whole name of the host, or a HostName for it";

type Row = readonly [shape: ValueShape, met: RegExp, weight: Weight, lack: string, hint?: string];

const rows: Readonly<Record<string, Row>> = {
  AFSTokenPassing: ["anything", all, "unfelt", ""],
  CanonicalDomains: ["domains", all, "unfelt", ""],
  CanonicalizeFallbackLocal: ["yes-no", all, "unfelt", ""],
  CanonicalizeHostname: [["yes", "no", "always", "true", "false"], no, "refused", noShortName, wholeName],
  CanonicalizeMaxDots: ["integer", all, "unfelt", ""],
  CanonicalizePermittedCNAMEs: ["names", none, "felt", "an alias in the DNS gives the host no other name"],
  ChannelTimeout: ["timeouts", none, "refused", noIdleEnd, "leave it away, or take ssh"],
  CheckHostIP: ["yes-no", no, "felt", "a host key is looked up by the host's name, and not by its address too"],
  Cipher: ["anything", all, "unfelt", ""],
  CompressionLevel: ["anything", all, "unfelt", ""],
  ControlMaster: [["yes", "no", "ask", "auto", "autoask", "true", "false"], no, "unfelt", noMaster],
  ControlPersist: ["persistence", all, "unfelt", ""],
  EnableEscapeCommandline: ["yes-no", no, "unfelt", "the escape character has no command line"],
  EnableSSHKeysign: ["yes-no", all, "unfelt", ""],
  FallBackToRsh: ["anything", all, "unfelt", ""],
  FingerprintHash: [["md5", "sha1", "sha256", "sha384", "sha512"], /^sha256$/i, "unfelt", "fingerprints are SHA256"],
  GlobalKnownHostsFile2: ["anything", all, "unfelt", ""],
  GSSAPIAuthentication: ["yes-no", no, "unfelt", noGssapi],
  GSSAPIClientIdentity: ["word", all, "unfelt", ""],
  GSSAPIDelegateCredentials: ["yes-no", all, "unfelt", ""],
  GSSAPIKexAlgorithms: ["gssapi exchanges", all, "unfelt", ""],
  GSSAPIKeyExchange: ["yes-no", no, "unfelt", noGssapi],
  GSSAPIRenewalForcesRekey: ["yes-no", all, "unfelt", ""],
  GSSAPIServerIdentity: ["word", all, "unfelt", ""],
  GSSAPITrustDns: ["yes-no", all, "unfelt", ""],
  HostbasedAcceptedAlgorithms: ["key algorithms", all, "unfelt", ""],
  HostbasedAuthentication: ["yes-no", no, "felt", "no login by the key of this machine: the other methods are tried"],
  HostbasedKeyTypes: ["key algorithms", all, "unfelt", ""],
  IPQoS: ["service classes", unmarked, "felt", "no packet is marked for the network"],
  KbdInteractiveDevices: ["word", all, "unfelt", ""],
  KerberosAuthentication: ["anything", all, "unfelt", ""],
  KerberosTgtPassing: ["anything", all, "unfelt", ""],
  KnownHostsCommand: ["line", none, "refused", "host keys come from files only", "UserKnownHostsFile names files"],
  LocalCommand: ["line", all, "unfelt", ""],
  LogVerbose: ["words", none, "unfelt", "-v and -vv tell more"],
  NoHostAuthenticationForLocalhost: [
    "yes-no",
    no,
    "refused",
    "the host key of localhost is checked too",
    "a HostKeyAlias keeps the machines behind one localhost apart",
  ],
  ObscureKeystrokeTiming: ["keystrokes", no, "unfelt", "when a key is typed can be seen on the network"],
  PermitLocalCommand: ["yes-no", no, "refused", "no command is started here after the login", "start it by a script"],
  PKCS11Provider: ["word", none, "refused", "no key of a smart card", "ssh-add -s adds its keys to the agent"],
  Protocol: ["anything", all, "unfelt", ""],
  ProxyUseFdpass: ["yes-no", no, "refused", "a ProxyCommand is talked to by its stdin and stdout", "nc without -F"],
  RefuseConnection: ["word", none, "stops", "the configuration refuses this connection"],
  RhostsAuthentication: ["anything", all, "unfelt", ""],
  RhostsRSAAuthentication: ["anything", all, "unfelt", ""],
  RSAAuthentication: ["anything", all, "unfelt", ""],
  SecurityKeyProvider: ["word", /^internal$/i, "felt", "a security key is used through the agent only"],
  SyslogFacility: ["facility", all, "unfelt", ""],
  Tunnel: [
    ["yes", "no", "point-to-point", "ethernet", "true", "false"],
    no,
    "refused",
    "no network device is made",
    "forward single ports by -L, or all of them by -D",
  ],
  TunnelDevice: ["devices", all, "unfelt", ""],
  UseKeychain: ["yes-no", all, "unfelt", ""],
  UsePrivilegedPort: ["anything", all, "unfelt", ""],
  UserKnownHostsFile2: ["anything", all, "unfelt", ""],
  UseRoaming: ["anything", all, "unfelt", ""],
  UseRsh: ["anything", all, "unfelt", ""],
  VerifyHostKeyDNS: [["yes", "no", "ask", "true", "false"], no, "felt", "no host key is looked up in the DNS"],
  VersionAddendum: ["line", none, "unfelt", "nothing is added to porthop's version"],
  VisualHostKey: ["yes-no", no, "unfelt", "no picture of a host key"],
  WarnWeakCrypto: ["anything", all, "unfelt", ""],
};

/** Older names. */
const aliases: Readonly<Record<string, string>> = { SmartcardDevice: "PKCS11Provider" };

const others: readonly OtherKeyword[] = Object.entries(rows).map(([name, [shape, met, weight, lack, hint]]) => ({
  name,
  shape,
  weight,
  lack,
  hint,
  isMet: (value) => met.test(value),
}));

const byLowerCase: ReadonlyMap<string, OtherKeyword> = new Map([
  ...others.map((other) => [other.name.toLowerCase(), other] as const),
  ...Object.entries(aliases).flatMap(([alias, name]) => {
    const other = others.find((each) => each.name === name);
    return other === undefined ? [] : [[alias.toLowerCase(), other] as const];
  }),
]);
