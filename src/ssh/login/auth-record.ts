/**
 * What a login tried and what hindered it, and the one error made of both: which methods and keys were refused, which
 * methods the server accepts, and what the user can do. Nothing secret is ever stored here.
 */
import { formatAddress } from "../../codec/address.ts";
import { PorthopError } from "../../errors.ts";
import { messageOf } from "../../text/error-message.ts";
import { quoted, visible } from "../../text/terminal-text.ts";

export interface Account {
  readonly user: string;
  readonly host: string;
  readonly port: number;
}

export interface Attempt {
  readonly method: string;
  /** The key that was offered. `remark` is a reason for a refusal that the key's certificate itself shows. */
  readonly key?:
    | { readonly label: string; readonly fromAgent: boolean; readonly remark?: string | undefined }
    | undefined;
  /**
   * `unsent`: ssh2 had no signature algorithm in common with the server. `unsigned`: the server accepted the key, but
   * the key could not sign. Undefined: no answer came.
   */
  answer: "refused" | "partial" | "unsent" | "unsigned" | undefined;
}

/**
 * Who must be there when the same login is made again. `person`: somebody typed a password, an answer or a passphrase
 * that does not stay. `touch`: a security key wants to be touched.
 */
export type LoginNeeds = "nobody" | "touch" | "person";

/** Kinds of obstacles. Hints are shown in this order, the most helpful first. */
const ranks = [
  "permissions",
  "passphrase",
  "locked",
  "signing",
  "withheld",
  "format",
  "unsupported",
  "no-terminal",
  "disabled",
  "missing",
  "unreadable",
  "agent",
] as const;

/** Why a key or method was not tried. */
export interface Obstacle {
  readonly kind: (typeof ranks)[number];
  /** What the user can do. */
  readonly hint: string;
}

export interface AuthRecord extends Account {
  readonly attempts: Attempt[];
  readonly obstacles: Obstacle[];
  /** Of all that was tried so far, since the same login tries it again. */
  needs: LoginNeeds;
  /** The methods in the server's latest answer; undefined before the first answer. */
  serverMethods: readonly string[] | undefined;
  /** What ended the login on our side: the person gave up, or porthop has a defect. */
  stopped: unknown;
}

export function newAuthRecord({ user, host, port }: Account): AuthRecord {
  return {
    user,
    host,
    port,
    attempts: [],
    obstacles: [],
    needs: "nobody",
    serverMethods: undefined,
    stopped: undefined,
  };
}

/** Notes what the login needs besides. */
export function noteNeed(record: AuthRecord, needs: LoginNeeds): void {
  record.needs = strongestNeed([record.needs, needs]);
}

/** A person can touch a key too. */
export function strongestNeed(needs: readonly LoginNeeds[]): LoginNeeds {
  return (["person", "touch"] as const).find((need) => needs.includes(need)) ?? "nobody";
}

/** The error of a failed login. `cause` is what ended the connection, when the server ended it. */
export function authFailure(record: AuthRecord, cause?: Error): PorthopError {
  const { stopped } = record;
  if (stopped instanceof PorthopError) return stopped;
  const where = formatAddress(record);
  if (stopped !== undefined) {
    const why = visible(messageOf(stopped), 200);
    const text = `gave up the login of ${quoted(record.user)} at ${where}: ${why}`;
    return new PorthopError("ssh.auth-failed", text, { leg: 2, cause: stopped });
  }
  const cutOff = record.attempts.some(({ answer }) => answer === undefined);
  const what = cutOff ? "ended the login" : "refused the login";
  const cut = cutOff && cause !== undefined ? ` (${visible(cause.message, 120)})` : "";
  const takes =
    record.serverMethods === undefined
      ? ""
      : `; the server takes ${visible(record.serverMethods.join(","), 120) || "nothing"}`;
  return new PorthopError(
    "ssh.auth-failed",
    `${where} ${what} of ${quoted(record.user)}${cut}: ${partlyAccepted(record)}${tried(record)}${takes}`,
    { leg: 2, hint: hintFor(record, cutOff), cause },
  );
}

/** What the server accepted in a successful login, in words: `publickey (~/.ssh/id_ed25519)`. */
export function grantedBy({ attempts }: AuthRecord): string {
  const granted = attempts.filter(({ answer }) => answer === "partial" || answer === undefined);
  const texts = granted.map(({ method, key }) => {
    if (key === undefined) return method;
    return `${method} (${visible(key.label, 120)}${key.fromAgent ? " of the agent" : ""})`;
  });
  return texts.length === 0 ? "no proof at all, which the server did not want" : [...new Set(texts)].join(" and ");
}

function partlyAccepted({ attempts }: AuthRecord): string {
  const accepted = attempts.filter(({ answer }) => answer === "partial").map(({ method }) => method);
  return accepted.length === 0 ? "" : `accepted ${accepted.join(" and ")} as a part of it, `;
}

/** In words: `tried publickey (~/.ssh/id_ed25519, 2 agent keys), password (3 times)`. */
function tried({ attempts }: AuthRecord): string {
  const others = attempts.filter(({ answer }) => answer !== "partial" && answer !== "unsent");
  const methods = [...new Set(others.map(({ method }) => method))];
  if (methods.length === 0) return attempts.length > 0 ? "then tried nothing more" : "tried nothing";
  const texts = methods.map((method) => {
    const all = others.filter((attempt) => attempt.method === method);
    const files = all.flatMap(({ key }) => (key?.fromAgent === false ? [key.label] : []));
    const fromAgent = all.filter(({ key }) => key?.fromAgent === true).length;
    if (fromAgent > 0) files.push(`${fromAgent} agent key${fromAgent === 1 ? "" : "s"}`);
    if (files.length > 0) return `${method} (${files.join(", ")})`;
    return all.length > 1 ? `${method} (${all.length} times)` : method;
  });
  return `tried ${texts.join(", ")}`;
}

function hintFor({ attempts, obstacles, serverMethods }: AuthRecord, cutOff: boolean): string | undefined {
  const keys = attempts.filter(({ key }) => key !== undefined).length;
  // An attempt without an answer is the one at which the server closed the connection.
  const remarks = attempts.flatMap(({ key, answer }) =>
    (answer === "refused" || answer === undefined) && key?.remark !== undefined ? [key.remark] : [],
  );
  if (cutOff && keys > 1) {
    const advice = `the server ends a login after a few tries (MaxAuthTries), and ${keys} keys were offered: name the right one with -i FILE -o IdentitiesOnly=yes`;
    return [...new Set(remarks), advice].slice(0, 2).join("; ");
  }
  const sorted = [...obstacles].sort((one, other) => ranks.indexOf(one.kind) - ranks.indexOf(other.kind));
  const hints = [...remarks, ...sorted.map(({ hint }) => hint)];
  // Two hints at most, so that the error stays short enough to be read.
  if (hints.length > 0) return [...new Set(hints)].slice(0, 2).join("; ");
  const wantsKey = serverMethods?.includes("publickey") === true;
  if (wantsKey && keys === 0)
    return "there was no key to offer: name one with -i, add one to ssh-agent, or make one with ssh-keygen";
  return undefined;
}
