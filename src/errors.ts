/**
 * The one error class, and the closed table of codes with their exit codes and default hints. A PorthopError is what
 * users read: one line, a code, a hint. Anything else that is thrown is a defect of porthop.
 */

/**
 * Which of the three connections of a flow an error is about: 1 client to listener, 2 porthop to sshd, 3 to the target.
 */
export type LegNumber = 1 | 2 | 3;

/** Who broke off a flow. */
export type FlowBreaker = "origin" | "target" | "session" | "control" | `plugin:${string}`;

interface CodeFacts {
  readonly exit: number;
  readonly hint: string;
}

const codes = {
  usage: { exit: 2, hint: "porthop --help shows what can be asked for" },
  "config.invalid": { exit: 1, hint: "correct the setting and try again" },
  "plugin.invalid": { exit: 1, hint: "porthop plugins NAME lists the options it takes" },
  "plugin.not-found": { exit: 1, hint: "porthop plugins lists the built-in ones; a file starts with ./ or /" },
  "plugin.failed": { exit: 1, hint: "this flow was ended; run with --log debug for more" },
  "host.not-found": { exit: 255, hint: "check the spelling, or use the IP address" },
  "ssh.unreachable": { exit: 255, hint: "check the host, the port (-p) and any firewall in between" },
  "ssh.lost": { exit: 255, hint: "the network or sshd ended the session; the log there may say more" },
  "ssh.protocol": { exit: 255, hint: "check that the port is sshd's; -vv shows the negotiation" },
  "ssh.host-key-unknown": { exit: 255, hint: "verify the fingerprint, then add the line to ~/.ssh/known_hosts" },
  "ssh.host-key-changed": {
    exit: 255,
    hint: "ask the server's owner; remove the old line only when the new key is confirmed",
  },
  "ssh.host-key-revoked": { exit: 255, hint: "do not connect: this key was marked as stolen or retired" },
  "ssh.auth-failed": { exit: 255, hint: "check the user name, and offer a key with -i or through ssh-agent" },
  "listen.in-use": { exit: 255, hint: "pick another port" },
  "listen.denied": { exit: 255, hint: "pick a port above 1023 and an address of this machine" },
  "forward.refused": {
    exit: 255,
    hint: "the server did not set up the forward; see AllowTcpForwarding in its sshd_config",
  },
  "target.refused": {
    exit: 255,
    hint: "nothing listens there, as the server sees it; check the target's address and port",
  },
  "target.unreachable": {
    exit: 255,
    hint: "the server cannot reach or resolve the target; its view of names may differ from yours",
  },
  "target.prohibited": {
    exit: 255,
    hint: "the server prohibits forwarding: AllowTcpForwarding, PermitOpen or a key restriction",
  },
  "file.cannot-write": { exit: 1, hint: "check the folder, the rights and the free space" },
  "file.cannot-read": { exit: 1, hint: "check the path and the rights" },
  cancelled: { exit: 130, hint: "nothing was changed" },
  internal: { exit: 1, hint: "this is a defect of porthop; please report it with the output of --log debug" },
} as const satisfies Record<string, CodeFacts>;

export type ErrorCode = keyof typeof codes;

export interface ErrorDetails {
  /** What the user can do; the hint of the table when left out. */
  readonly hint?: string | undefined;
  readonly leg?: LegNumber | undefined;
  /** Who caused the error; the end to which `leg` leads when left out. */
  readonly by?: FlowBreaker | undefined;
  readonly cause?: unknown;
}

export class PorthopError extends Error {
  override readonly name = "PorthopError";
  readonly code: ErrorCode;
  readonly hint: string;
  readonly leg: LegNumber | undefined;
  /** Who caused the error and so broke off a flow; undefined when that is not known. */
  readonly by: FlowBreaker | undefined;

  /** `message` says what happened, with names and numbers, on one line and without the code. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint ?? codes[code].hint;
    this.leg = details.leg;
    this.by = details.by ?? (details.leg === undefined ? undefined : endOfLeg[details.leg]);
  }

  /** The exit code of a process that this error ends (README.md, "For scripts"). */
  get exitCode(): number {
    return codes[this.code].exit;
  }
}

/** The end to which each leg leads. */
const endOfLeg = { 1: "origin", 2: "session", 3: "target" } as const satisfies Record<LegNumber, FlowBreaker>;
