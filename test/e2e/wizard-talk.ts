/** A conversation with `porthop wizard` in a real terminal: waits for each question before it types the answer. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "../kit/launch.ts";
import { type Pty, type PtyOptions, pty } from "../kit/pty.ts";
import type { Sshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";

export const keys = { enter: "\r", up: "\u001b[A", down: "\u001b[B", escape: "\u001b", ctrlC: "\u0003" } as const;

export interface TalkOptions extends PtyOptions {
  readonly home?: string;
  /** Added to the clean environment. */
  readonly variables?: Readonly<Record<string, string>>;
}

export class Talk implements AsyncDisposable {
  readonly screen: Pty;
  readonly home: string;
  readonly #isPlain: boolean;
  #mark = 0;

  constructor(options: TalkOptions = {}) {
    this.home = options.home ?? tempDirectory("home");
    this.#isPlain = options.variables?.["TERM"] === "dumb";
    const launched = launch(["wizard"], { home: this.home, env: options.variables ?? {} });
    // The shell traps Ctrl-C, which is for porthop only, because the shell must look at the terminal afterwards.
    const script = 'trap : INT; stty -g >before; "$@"; code=$?; stty -g >after; echo "ended with $code"';
    this.screen = pty(["sh", "-c", script, "sh", ...launched.command], {
      ...options,
      env: launched.env,
      cwd: launched.cwd,
    });
  }

  /** All that was on the screen, as plain text. */
  get text(): string {
    return this.screen.text;
  }

  /** Waits for `text` in what came since the last answer. */
  async sees(text: RegExp): Promise<RegExpMatchArray> {
    return await this.screen.screen(text, { after: this.#mark });
  }

  /** Types at once, without waiting for anything. */
  send(typed: string): void {
    this.#mark = this.screen.send(typed);
  }

  /** Waits for a question and types the answer, with Enter. */
  async type(question: RegExp, answer: string): Promise<void> {
    await this.press(question, `${answer}${keys.enter}`);
  }

  /** Waits for a question and takes the option that is `below` lines under the proposed one; above it when negative. */
  async pick(question: RegExp, below = 0): Promise<void> {
    const key = below < 0 ? keys.up : keys.down;
    await this.press(question, `${key.repeat(Math.abs(below))}${keys.enter}`);
  }

  async press(question: RegExp, typed: string): Promise<void> {
    // An answered question is drawn once more, with another sign before it: only the sign of an open question counts.
    await this.sees(this.#isPlain ? question : new RegExp(`[◆▲]  ${question.source}`));
    this.send(typed);
  }

  /**
   * Resolves with the wizard's exit code. Checks that the terminal has its first settings again and a visible cursor.
   */
  async end(): Promise<number> {
    const [, code] = await this.screen.screen(/ended with (\d+)/);
    await this.screen.exit;
    const read = (name: string) => readFileSync(join(this.home, name), "utf8");
    assert.equal(read("after"), read("before"), "the terminal's settings");
    assert.ok(this.screen.raw.lastIndexOf("\u001b[?25h") >= this.screen.raw.lastIndexOf("\u001b[?25l"), "the cursor");
    return Number(code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.screen[Symbol.asyncDispose]();
  }
}

/** A home whose ~/.ssh/config has this sshd under `name`, with all that a login needs. */
export function homeKnowing(name: string, { port, user, keyFile, knownHostsFile }: Sshd, before = ""): string {
  const home = tempDirectory("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  const block = `${before}Host ${name}
  HostName 127.0.0.1
  Port ${port}
  User ${user}
  IdentityFile ${keyFile}
  UserKnownHostsFile ${knownHostsFile}
  StrictHostKeyChecking yes
`;
  writeFileSync(join(home, ".ssh", "config"), block, { mode: 0o600 });
  return home;
}

/** Answers all questions on the way to a web server on the server itself, up to "What now?". */
export async function askForWeb(talk: Talk, server: string, target: number, listen: number): Promise<void> {
  await talk.pick(/What do you want to do\?/);
  await talk.pick(/What do you want to reach\?/);
  await talk.type(/Which server do you log in to\?/, server);
  await restForWeb(talk, target, listen);
}

export async function restForWeb(talk: Talk, target: number, listen: number): Promise<void> {
  await talk.pick(/Where does it run\?/);
  await talk.pick(/On which port does it listen\?/, 3);
  await talk.type(/Which port is it\?/, String(target));
  await talk.pick(/Who may connect to it here\?/);
  await talk.type(/On which port of this machine\?/, String(listen));
  await talk.pick(/Anything else\?/);
}
