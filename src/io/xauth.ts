/**
 * Asks xauth(1) for the cookie of an X display, as ssh does (OpenSSH clientloop.c, client_x11_get_proto). For untrusted
 * programs, xauth makes a new cookie in a private file, which is removed before a program connects.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { X11Display } from "../codec/session/x11-display.ts";
import type { X11Cookie } from "../codec/session/x11-setup.ts";

export interface XauthQuestion {
  /** The path of xauth (XAuthLocation). */
  readonly program: string;
  readonly display: X11Display;
  /** True for the display's own cookie, with all rights; false for a new cookie with few rights. */
  readonly trusted: boolean;
  /** How long an untrusted cookie is valid; 0 means for ever. */
  readonly timeoutMs: number;
}

/**
 * Undefined when xauth makes no untrusted cookie: X11 must not be forwarded then. When xauth has no trusted cookie, the
 * cookie is made up, for a display that asks for none.
 */
export async function askXauth(question: XauthQuestion): Promise<X11Cookie | undefined> {
  if (!question.trusted) return untrusted(question);
  return (await list(question, [])) ?? { protocol, data: randomBytes(cookieBytes) };
}

/** The first cookie that fits into a setup packet, from lines `host/unix:0  MIT-MAGIC-COOKIE-1  c0ffee...`. */
export function readCookie(text: string): X11Cookie | undefined {
  for (const line of text.split("\n")) {
    const [, name, hex = ""] = line.trim().split(/\s+/);
    const isHex = /^(?:[0-9a-fA-F]{2}){1,256}$/.test(hex);
    if (name === protocol && isHex) return { protocol, data: Buffer.from(hex, "hex") };
  }
  return undefined;
}

const protocol = "MIT-MAGIC-COOKIE-1";
const cookieBytes = 16;

/** The display forgets the cookie a little later than we do (clientloop.c, X11_TIMEOUT_SLACK). */
const slackSeconds = 60;

async function untrusted(question: XauthQuestion): Promise<X11Cookie | undefined> {
  const { timeoutMs, display } = question;
  // Only this user may enter the folder (mkdtemp(3): 0700), so the file that xauth writes there is private too.
  const directory = await mkdtemp(join(tmpdir(), "porthop-xauth-"));
  try {
    const file = ["-f", join(directory, "cookie")];
    const seconds = String(Math.ceil(timeoutMs / 1000) + slackSeconds);
    const limit = timeoutMs === 0 ? [] : ["timeout", seconds];
    const made = await run(question, [...file, "generate", display.xauthName, protocol, "untrusted", ...limit]);
    return made === undefined ? undefined : await list(question, file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function list(question: XauthQuestion, file: readonly string[]): Promise<X11Cookie | undefined> {
  const text = await run(question, [...file, "list", question.display.xauthName]);
  return text === undefined ? undefined : readCookie(text);
}

/** What xauth prints; undefined when xauth does not exist, fails or takes too long. */
function run({ program }: XauthQuestion, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: patienceMs, maxBuffer: mostBytes }, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
  });
}

/** For an untrusted cookie xauth asks the X server, which may not answer. */
const patienceMs = 10_000;
const mostBytes = 1024 * 1024;
