/**
 * The flags of ssh that change a setting and are no part of the tunnel's route: what each flag is for, and the
 * equivalent lines of ssh_config (ssh.c, main). One table for the wizard's line, the Host block and the explanation.
 */
import type { KeywordLine, SshFlag } from "./tunnel-description.ts";

interface FlagFacts {
  readonly about: string;
  /** `%s` is the flag's value. Empty for a flag without an equivalent in ssh_config. */
  readonly lines: readonly (readonly [name: string, value: string])[];
}

const facts: Readonly<Record<string, FlagFacts>> = {
  "1": { about: "nothing today: version 1 of the protocol is gone", lines: [] },
  "2": { about: "nothing today: version 2 is the only one", lines: [] },
  "4": { about: "IPv4 only", lines: [["AddressFamily", "inet"]] },
  "6": { about: "IPv6 only", lines: [["AddressFamily", "inet6"]] },
  A: { about: "let programs on the server use the ssh-agent here", lines: [["ForwardAgent", "yes"]] },
  a: { about: "keep the ssh-agent here to yourself", lines: [["ForwardAgent", "no"]] },
  B: { about: "connect from this interface", lines: [["BindInterface", "%s"]] },
  b: { about: "connect from this address", lines: [["BindAddress", "%s"]] },
  C: { about: "compress", lines: [["Compression", "yes"]] },
  c: { about: "ciphers, in order of preference", lines: [["Ciphers", "%s"]] },
  E: { about: "write what ssh says into this file", lines: [] },
  e: { about: "the escape character of a terminal", lines: [["EscapeChar", "%s"]] },
  f: {
    about: "go to the background after the login",
    lines: [
      ["ForkAfterAuthentication", "yes"],
      ["StdinNull", "yes"],
    ],
  },
  g: { about: "let other machines connect to the ports here", lines: [["GatewayPorts", "yes"]] },
  I: { about: "keys of this smart card library", lines: [["PKCS11Provider", "%s"]] },
  K: {
    about: "log in by Kerberos and pass the ticket on",
    lines: [
      ["GSSAPIAuthentication", "yes"],
      ["GSSAPIDelegateCredentials", "yes"],
    ],
  },
  k: { about: "do not pass the Kerberos ticket on", lines: [["GSSAPIDelegateCredentials", "no"]] },
  M: { about: "let other ssh share this connection", lines: [["ControlMaster", "yes"]] },
  m: { about: "message authentication codes, in order of preference", lines: [["MACs", "%s"]] },
  n: { about: "read nothing from stdin", lines: [["StdinNull", "yes"]] },
  P: { about: "what Match tagged in the configuration looks at", lines: [["Tag", "%s"]] },
  q: { about: "say errors only", lines: [["LogLevel", "QUIET"]] },
  S: { about: "the socket of a shared connection", lines: [["ControlPath", "%s"]] },
  s: { about: "the command is the name of a subsystem", lines: [["SessionType", "subsystem"]] },
  v: { about: "say more", lines: [["LogLevel", "DEBUG"]] },
  w: {
    about: "carry network packets from one tun device to another",
    lines: [
      ["Tunnel", "yes"],
      ["TunnelDevice", "%s"],
    ],
  },
  X: { about: "let programs on the server open windows here", lines: [["ForwardX11", "yes"]] },
  x: { about: "no windows here", lines: [["ForwardX11", "no"]] },
  Y: {
    about: "let programs on the server open windows here, with all rights",
    lines: [
      ["ForwardX11", "yes"],
      ["ForwardX11Trusted", "yes"],
    ],
  },
  y: { about: "what ssh says goes to syslog", lines: [] },
};

/** Undefined for any other flag: of the route or a forward (-p, -L ...), or one with which ssh ends at once (-V, -G ...). */
export function aboutSshFlag(letter: string): string | undefined {
  return Object.hasOwn(facts, letter) ? facts[letter]?.about : undefined;
}

/** The flags that another ssh is told: without those that mean nothing, of which ssh refuses -1. */
export function meaningfulFlags(flags: readonly SshFlag[]): readonly SshFlag[] {
  return flags.filter(({ letter }) => letter !== "1" && letter !== "2");
}

/** As lines of ssh_config, where the first of two counts and not the last, as with flags. */
export function flagKeywords(flags: readonly SshFlag[]): readonly KeywordLine[] {
  const lines: KeywordLine[] = [];
  for (const { letter, value = "" } of [...flags].reverse()) {
    for (const [name, text] of facts[letter]?.lines ?? []) {
      if (lines.some((line) => line.name === name)) continue;
      lines.push({ name, value: text === "%s" ? value : text });
    }
  }
  const times = (wanted: string) => flags.filter(({ letter }) => letter === wanted).length;
  const loudness = Math.min(3, times("v"));
  return lines.reverse().map((line) => {
    if (line.value === "DEBUG" && loudness > 1) return { ...line, value: `DEBUG${loudness}` };
    // Each second -M asks before it shares (ssh.c, main).
    return line.name === "ControlMaster" && times("M") % 2 === 0 ? { ...line, value: "ask" } : line;
  });
}
