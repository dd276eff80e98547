/**
 * A real OpenSSH sshd on loopback, with its own keys, configuration and known_hosts in a fresh directory. It runs as
 * the current user. Its child processes end with it, so a test can lose the session at any moment.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { atExit } from "./lifetime.ts";
import type { OpenSsh } from "./openssh.ts";
import { findTool } from "./packages.ts";
import { currentUser, descendants, gone, killBelow, killTree, send } from "./processes.ts";
import { freePort, type Loopback } from "./servers.ts";
import { removeTemp, tempDirectory } from "./temp.ts";
import { type Look, Transcript } from "./transcript.ts";

export type KeyType = "ed25519" | "ecdsa" | "rsa";

export interface SshdOptions {
  readonly host?: Loopback;
  /** Undefined for a free port. To play a changed host key, start another sshd on the port of a stopped one. */
  readonly port?: number;
  /** The types of the host keys, best first. Undefined for ed25519 alone. */
  readonly hostKeys?: readonly KeyType[];
  /**
   * Lines of sshd_config, which win over the kit's own. LogLevel must stay at INFO or above. `Match` blocks may stand
   * at the end.
   */
  readonly config?: readonly string[];
  /** Further public keys that may log in (lines of authorized_keys), such as another sshd's `publicKey`. */
  readonly authorizedKeys?: readonly string[];
  /** Which OpenSSH. Undefined for the installed one. */
  readonly openssh?: OpenSsh;
}

/** Runs `ssh-keygen -t TYPE`. Returns the private key's path; the public key is beside it with `.pub`. */
export function makeKey(file: string, type: KeyType = "ed25519", passphrase = ""): string {
  const made = spawnSync(tool("ssh-keygen"), ["-q", "-t", type, "-N", passphrase, "-C", "porthop-test", "-f", file]);
  if (made.status !== 0) throw new Error(`ssh-keygen failed: ${made.stderr}`);
  return file;
}

/** Flags for a client that logs in with this key and no other, and believes only these known hosts. */
export function keyLogin(port: number, user: string, keyFile: string, knownHostsFile: string): string[] {
  const settings = [
    `UserKnownHostsFile=${knownHostsFile}`,
    "GlobalKnownHostsFile=/dev/null",
    "StrictHostKeyChecking=yes",
    "IdentitiesOnly=yes",
    "BatchMode=yes",
  ];
  const options = settings.flatMap((setting) => ["-o", setting]);
  return ["-F", "none", "-i", keyFile, "-p", String(port), "-l", user, ...options];
}

/** Starts an sshd and waits until it has sent its SSH banner. Needs the tools sshd and ssh-keygen. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const host = options.host ?? "127.0.0.1";
  for (let attempt = 1; ; attempt++) {
    const sshd = new Sshd(host, options.port ?? (await freePort(host)), options);
    try {
      await sshd.start();
      return sshd;
    } catch (error) {
      await sshd[Symbol.asyncDispose]();
      // Another program may have taken the free port meanwhile.
      if (options.port !== undefined || attempt === 3 || !sshd.log().includes("Address already in use")) throw error;
    }
  }
}

export class Sshd implements AsyncDisposable {
  readonly host: Loopback;
  readonly port: number;
  /** The user of the sshd process, and so the only user who can log in. When root runs sshd, others can too. */
  readonly user = currentUser();
  /** Has all files named below. Removed when the sshd is disposed. */
  readonly directory = tempDirectory("sshd");
  readonly configFile = join(this.directory, "sshd_config");
  /** The client's private key, which may log in. */
  readonly keyFile = join(this.directory, "client_key");
  /** Has a line for each host key. */
  readonly knownHostsFile = join(this.directory, "known_hosts");
  readonly authorizedKeysFile = join(this.directory, "authorized_keys");
  /** The client's public key, as a line of authorized_keys. */
  readonly publicKey: string;
  /** The host keys' public parts: `ssh-ed25519 AAAA...`. */
  readonly hostKeys: readonly string[];
  readonly #program: string;
  readonly #transcript = new Transcript("sshd's log");
  #listener: Listener | undefined;

  constructor(host: Loopback, port: number, options: SshdOptions) {
    this.host = host;
    this.port = port;
    this.#program = options.openssh?.sshd ?? tool("sshd");
    this.publicKey = readPublic(makeKey(this.keyFile));
    const hostKeyFiles = (options.hostKeys ?? ["ed25519"]).map((type) =>
      makeKey(join(this.directory, `host_${type}`), type),
    );
    this.hostKeys = hostKeyFiles.map(readPublic);
    writeFileSync(this.authorizedKeysFile, lines([this.publicKey, ...(options.authorizedKeys ?? [])]));
    writeFileSync(this.knownHostsFile, lines(this.hostKeys.map((key) => `[${host}]:${port} ${key}`)));
    writeFileSync(this.configFile, configuration(this, hostKeyFiles, options, penalties(this.#program)));
  }

  /** Flags for ssh and for porthop, to stand before the host's name. */
  get sshArgs(): readonly string[] {
    return keyLogin(this.port, this.user, this.keyFile, this.knownHostsFile);
  }

  /** The whole log so far, over all starts. */
  log(): string {
    return this.#transcript.text;
  }

  /** Waits for a line of the log. */
  logged(pattern: RegExp, look?: Look): Promise<RegExpMatchArray> {
    return this.#transcript.until(pattern, look);
  }

  /** The log since then, once all connections of that time are over: the log may arrive later than sshd's answers. */
  async logSince(after: number): Promise<string> {
    await this.logged(allOver, { after });
    return this.log().slice(after);
  }

  /**
   * The processes that serve connections: for each connection its monitor, the monitor's children, and executed
   * commands.
   */
  sessionPids(): number[] {
    return this.#listener === undefined ? [] : descendants(this.#listener.pid);
  }

  /**
   * Starts again after `stop` or `kill`, with the same port and keys, and with the configuration file in its present
   * state.
   */
  async start(): Promise<void> {
    if (this.#listener !== undefined) throw new Error(`this sshd already runs on port ${this.port}`);
    const after = this.#transcript.text.length;
    const listener = listen(this.#program, this.configFile, this.#transcript);
    this.#listener = listener;
    const listening = this.logged(/Server listening on /, { after });
    const ended = listener.closed.then(() => {
      throw new Error(`sshd ended at once:\n${this.log().slice(after)}`);
    });
    // The promise that loses the race is no longer needed.
    listening.catch(() => {});
    ended.catch(() => {});
    try {
      await Promise.race([listening, ended]);
      const from = await greetedFrom(this.host, this.port);
      // The child process that sent this greeting must not be mistaken for a session.
      await this.logged(new RegExp(`Connection (closed|reset) by \\S+ port ${from}\\b`), { after });
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /**
   * Ends sshd and all its sessions as `systemctl stop` does for the whole group: with SIGTERM, and sshd closes its
   * sockets.
   */
  async stop(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    const pids = [...this.sessionPids(), listener.pid];
    send(pids, "SIGTERM");
    await this.#ended(listener, pids);
  }

  /** Sends SIGKILL to sshd and all its sessions at once, like a loss of power. The kernel resets the sockets. */
  async kill(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    await this.#ended(listener, killTree(listener.pid));
  }

  /** Kills all sessions while sshd goes on listening: a lost session that can be made again. */
  async dropSessions(): Promise<void> {
    await gone(killBelow(() => this.sessionPids()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    removeTemp(this.directory);
  }

  async #ended(listener: Listener, pids: readonly number[]): Promise<void> {
    await listener.closed;
    await gone(pids);
    this.#listener = undefined;
  }
}

/** Matches when there was a connection and the end of every connection was logged. */
const allOver =
  /^(?=.*Connection from )(?!.*Connection from \S+ port (\d+)\b(?!.*(?:closed by|reset by|isconnect\w* from) [^\n]*port \1\b))/s;

interface Listener {
  readonly pid: number;
  /** Resolves when sshd and all processes that wrote to its log are gone. */
  readonly closed: Promise<void>;
}

function listen(program: string, configFile: string, transcript: Transcript): Listener {
  // As root, sshd needs its privilege separation directory, which a service manager would have made.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const child: ChildProcess = spawn(program, ["-D", "-e", "-f", configFile], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error("sshd could not be started");
  const forget = atExit(() => killTree(pid));
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (text: string) => transcript.add(text.replaceAll("\r\n", "\n")));
  const closed = new Promise<void>((resolve) => {
    child.on("close", () => {
      forget();
      resolve();
    });
  });
  return { pid, closed };
}

/**
 * sshd takes the first value of a keyword, so the test's own lines come first. A Match block reaches to the end of the
 * file, so such blocks come last.
 */
function configuration(
  sshd: Sshd,
  hostKeyFiles: readonly string[],
  { config = [], openssh }: SshdOptions,
  more: readonly string[],
): string {
  const match = config.findIndex((line) => /^\s*match\b/i.test(line));
  const own = match === -1 ? config : config.slice(0, match);
  const blocks = match === -1 ? [] : config.slice(match);
  return lines([
    ...own,
    ...(openssh?.sshdConfig ?? []),
    `Port ${sshd.port}`,
    `ListenAddress ${sshd.host}`,
    ...hostKeyFiles.map((file) => `HostKey ${file}`),
    `AuthorizedKeysFile ${sshd.authorizedKeysFile}`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UseDNS no",
    "LogLevel VERBOSE",
    // Here the last line counts in OpenSSH 10.0, and not the first.
    ...(own.some((line) => /^MaxStartups/.test(line)) ? [] : ["MaxStartups 500"]),
    "MaxSessions 500",
    // The start of the tester's shell may be slow (bash reads ~/.bashrc for sshd), and killed sessions would leave
    // traces in the home.
    `SetEnv HOME=${sshd.directory}`,
    ...more,
    ...blocks,
  ]);
}

/** OpenSSH 9.8 and later refuse an address after failed logins, and all tests come from one address. */
function penalties(program: string): string[] {
  const version = /OpenSSH_(\d+)\.(\d+)/.exec(String(spawnSync(program, ["-V"], { encoding: "utf8" }).stderr));
  const number = Number(version?.[1] ?? 0) * 100 + Number(version?.[2] ?? 0);
  return number >= 908 ? ["PerSourcePenalties no"] : [];
}

/**
 * Connects, reads the identification string (RFC 4253, section 4.2), and leaves. Returns the local port of this
 * connection.
 */
export function greetedFrom(host: Loopback, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    let greeting = "";
    socket.setEncoding("latin1");
    socket.setTimeout(10_000, () => socket.destroy(new Error("sshd did not greet within 10 s")));
    socket.on("data", (text: string) => {
      greeting += text;
      if (!greeting.includes("\n")) return;
      const from = socket.localPort;
      socket.destroy();
      if (greeting.startsWith("SSH-2.0-") && from !== undefined) resolve(from);
      else reject(new Error(`port ${port} greets with ${JSON.stringify(greeting)}`));
    });
    socket.on("error", reject);
    socket.on("end", () => reject(new Error(`sshd closed the connection before its greeting`)));
  });
}

/** The public key as `ssh-ed25519 AAAA...`, without the comment. */
function readPublic(keyFile: string): string {
  return readFileSync(`${keyFile}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ");
}

function lines(text: readonly string[]): string {
  return text.map((line) => `${line}\n`).join("");
}

function tool(name: string): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`${name} is not installed: ask for it with need("${name}", ...)`);
  return path;
}
