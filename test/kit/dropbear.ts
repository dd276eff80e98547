/**
 * A real dropbear on loopback, the ssh server of routers and small machines. dropbear ends the session at a message for
 * a channel that it no longer knows. It takes home directories only from /etc/passwd, so it runs in its own mount
 * namespace with its own /etc/passwd, and never touches the tester's ~/.ssh.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { atExit } from "./lifetime.ts";
import { findTool } from "./packages.ts";
import { currentUser, gone, killTree } from "./processes.ts";
import { freePort } from "./servers.ts";
import { greetedFrom, keyLogin, makeKey } from "./sshd.ts";
import { removeTemp, tempDirectory } from "./temp.ts";
import { type Look, Transcript } from "./transcript.ts";

/** For a test's `skip`, together with `need("dropbear", "dropbearkey", "ssh-keygen", "unshare", "mount")`. */
export const noMounts =
  spawnSync("unshare", ["-m", "true"]).status !== 0 && "needs the right to unshare -m and to mount";

/** Starts a dropbear and waits until it has sent its SSH banner. */
export async function startDropbear(): Promise<Dropbear> {
  for (let attempt = 1; ; attempt++) {
    const dropbear = new Dropbear(await freePort());
    try {
      await dropbear.greets();
      return dropbear;
    } catch (error) {
      await dropbear[Symbol.asyncDispose]();
      // Another program may have taken the free port meanwhile.
      if (attempt === 3 || !dropbear.log().includes("Address already in use")) throw error;
    }
  }
}

export class Dropbear implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly user = currentUser();
  /** The user's home and all other files. Removed when the dropbear is disposed. */
  readonly directory = tempDirectory("dropbear");
  /** Flags for ssh and for porthop, to stand before the host's name. */
  readonly sshArgs: readonly string[];
  readonly #transcript = new Transcript("dropbear's log");
  readonly #pid: number;
  readonly #closed: Promise<void>;
  #hasEnded = false;

  constructor(port: number) {
    this.port = port;
    const hostKey = join(this.directory, "host_key");
    const publicHostKey = makeHostKey(hostKey);
    const keyFile = makeKey(join(this.directory, "client_key"));
    mkdirSync(join(this.directory, ".ssh"), { mode: 0o700 });
    writeFileSync(join(this.directory, ".ssh", "authorized_keys"), readFileSync(`${keyFile}.pub`), { mode: 0o600 });
    const knownHosts = join(this.directory, "known_hosts");
    writeFileSync(knownHosts, `[${this.host}]:${port} ${publicHostKey}\n`);
    this.sshArgs = keyLogin(port, this.user, keyFile, knownHosts);
    const passwd = join(this.directory, "passwd");
    writeFileSync(passwd, passwdWithHome(this.user, this.directory));
    const mounted = 'mount --bind "$1" /etc/passwd && shift && exec "$@"';
    const own = ["-F", "-E", "-s", "-p", `${this.host}:${port}`, "-r", hostKey, "-P", join(this.directory, "pid")];
    const words = ["-m", "sh", "-c", mounted, "sh", passwd, tool("dropbear"), ...own];
    const child = spawn("unshare", words, { stdio: ["ignore", "ignore", "pipe"] });
    if (child.pid === undefined) throw new Error("unshare could not be started");
    this.#pid = child.pid;
    const forget = atExit(() => killTree(this.#pid));
    child.stderr?.setEncoding("utf8");
    child.stderr?.on("data", (text: string) => this.#transcript.add(text));
    this.#closed = new Promise((resolve) => {
      child.on("close", () => {
        forget();
        this.#hasEnded = true;
        this.#transcript.end("dropbear ended");
        resolve();
      });
    });
  }

  log(): string {
    return this.#transcript.text;
  }

  /** Waits for a line of the log. */
  logged(pattern: RegExp, look?: Look): Promise<RegExpMatchArray> {
    return this.#transcript.until(pattern, look);
  }

  /** dropbear does not say when it listens, so this connects again and again. */
  async greets(): Promise<void> {
    for (;;) {
      try {
        const from = await greetedFrom(this.host, this.port);
        // The child process that sent this greeting must not be mistaken for a session.
        await this.logged(new RegExp(`Exit before auth from <\\S+:${from}>`));
        return;
      } catch (error) {
        if (this.#hasEnded || (error as NodeJS.ErrnoException).code !== "ECONNREFUSED")
          throw new Error(`dropbear does not greet: ${error}\n${this.log()}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pids = killTree(this.#pid);
    await this.#closed;
    await gone(pids);
    removeTemp(this.directory);
  }
}

function makeHostKey(file: string): string {
  const made = spawnSync(tool("dropbearkey"), ["-t", "ed25519", "-f", file], { encoding: "utf8" });
  const key = /^(ssh-ed25519 \S+)/m.exec(made.stdout)?.[1];
  if (key === undefined) throw new Error(`dropbearkey failed: ${made.stderr}`);
  return key;
}

/** The form of a line in passwd(5): `name:password:uid:gid:comment:home:shell`. */
function passwdWithHome(user: string, home: string): string {
  return readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => {
      const fields = line.split(":");
      return fields[0] === user ? [...fields.slice(0, 5), home, "/bin/sh"].join(":") : line;
    })
    .join("\n");
}

function tool(name: string): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`${name} is not installed: ask for it with need("${name}", ...)`);
  return path;
}
