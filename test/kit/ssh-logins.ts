/**
 * Who may log in to the in-process ssh server, and how: a password, prompts in rounds, a key, or several in a row.
 * Every attempt is recorded, so a test can check what a client tried and in which order.
 */
import type { AuthContext, AuthenticationType, KeyboardAuthContext, PublicKeyAuthContext } from "ssh2";
import { ssh2 } from "./loaded-ssh2.ts";

export type LoginMethod = "password" | "keyboard-interactive" | "publickey";

/** One round of keyboard-interactive (RFC 4256, section 3.2). */
export interface Round {
  readonly title?: string;
  readonly instructions?: string;
  readonly prompts: readonly { readonly prompt: string; readonly echo?: boolean }[];
  readonly answers: readonly string[];
}

/** Without any rule, every client is let in. */
export interface LoginRules {
  /** Undefined for any user. */
  readonly user?: string;
  readonly password?: string;
  /** The rounds of keyboard-interactive. All answers must be right. */
  readonly rounds?: readonly Round[];
  /** A line of authorized_keys. */
  readonly publicKey?: string;
  /** All of these methods, in this order, with partial success in between. Undefined: any one method is enough. */
  readonly require?: readonly LoginMethod[];
}

export interface Attempt {
  readonly user: string;
  readonly method: AuthenticationType;
  /** `probed`: the client asked whether a key would be accepted, and the answer was yes. */
  readonly outcome: "accepted" | "partial" | "refused" | "probed";
}

/** The listener for the `authentication` event of one connection. */
export function logins(rules: LoginRules, attempts: Attempt[]): (context: AuthContext) => void {
  const required = rules.require ?? [];
  let passed = 0;
  const next = (): LoginMethod[] => (required.length > 0 ? required.slice(passed, passed + 1) : offered(rules));
  const write = (context: AuthContext, outcome: Attempt["outcome"]) =>
    attempts.push({ user: context.username, method: context.method, outcome });
  const decide = (context: AuthContext, right: boolean) => {
    const known = rules.user === undefined || rules.user === context.username;
    if (!right || !known) {
      write(context, "refused");
      context.reject(next());
      return;
    }
    passed++;
    const partial = passed < required.length;
    write(context, partial ? "partial" : "accepted");
    if (partial) context.reject(next(), true);
    else context.accept();
  };
  return (context) => {
    const open = offered(rules).length === 0;
    if (open || !next().some((method) => method === context.method)) {
      decide(context, open);
      return;
    }
    if (context.method === "password") decide(context, context.password === rules.password);
    else if (context.method === "keyboard-interactive")
      ask(context, rules.rounds ?? [], (right) => decide(context, right));
    else if (context.method === "publickey") {
      const fit = fits(context, rules.publicKey ?? "");
      if (!fit || context.signature !== undefined) {
        decide(context, fit);
        return;
      }
      write(context, "probed");
      context.accept();
    }
  };
}

function offered(rules: LoginRules): LoginMethod[] {
  const methods: LoginMethod[] = [];
  if (rules.publicKey !== undefined) methods.push("publickey");
  if (rules.rounds !== undefined) methods.push("keyboard-interactive");
  if (rules.password !== undefined) methods.push("password");
  return methods;
}

function ask(context: KeyboardAuthContext, rounds: readonly Round[], done: (right: boolean) => void): void {
  const [round, ...later] = rounds;
  if (round === undefined) {
    done(true);
    return;
  }
  const prompts = round.prompts.map(({ prompt, echo }) => ({ prompt, echo: echo ?? false }));
  context.prompt(prompts, round.title ?? "", round.instructions ?? "", (answers: string[] | Error) => {
    // The client may leave this method in the middle and try another one. Then no answer is needed.
    if (answers instanceof Error) return;
    if (JSON.stringify(answers) === JSON.stringify(round.answers)) ask(context, later, done);
    else done(false);
  });
}

/** True when the key is the right one and the signature, if there is one, is valid. */
function fits(context: PublicKeyAuthContext, authorized: string): boolean {
  const key = ssh2.utils.parseKey(authorized);
  if (key instanceof Error) throw key;
  if (!key.getPublicSSH().equals(context.key.data)) return false;
  if (context.signature === undefined || context.blob === undefined) return true;
  return key.verify(context.blob, context.signature, context.hashAlgo);
}
