/**
 * A real OpenSSH sshd on loopback, with keys, configuration and known_hosts of its own in a fresh directory.
 * It runs as the current user; what it forks is ended with it, so that "the session died" can be played at any moment.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { atExit } from "./lifetime.ts";
import { findTool } from "./packages.ts";
import { currentUser, descendants, gone, killBelow, killTree, send } from "./processes.ts";
import { freePort, type Loopback } from "./servers.ts";
import { removeTemp, tempDirectory } from "./temp.ts";
import { type Look, Transcript } from "./transcript.ts";

export type KeyType = "ed25519" | "ecdsa" | "rsa";

export interface SshdOptions {
  readonly host?: Loopback;
  /** A free one by default. To change a host key, start another sshd on the port of one that was stopped. */
  readonly port?: number;
  /** Its host keys, the preferred one first; ed25519 alone by default. */
  readonly hostKeys?: readonly KeyType[];
  /** Lines of sshd_config, which win over the kit's own. LogLevel must stay INFO or above. `Match` blocks may end them. */
  readonly config?: readonly string[];
  /** Further public keys that may log in (lines of authorized_keys), as of another sshd's `publicKey`. */
  readonly authorizedKeys?: readonly string[];
}

/** The command of a key: `ssh-keygen -t TYPE`. Gives the private key's path; the public one is beside it with `.pub`. */
export function makeKey(file: string, type: KeyType = "ed25519", passphrase = ""): string {
  const made = spawnSync(tool("ssh-keygen"), ["-q", "-t", type, "-N", passphrase, "-C", "porthop-test", "-f", file]);
  if (made.status !== 0) throw new Error(`ssh-keygen failed: ${made.stderr}`);
  return file;
}

/** The words of a client that logs in with this key and no other, and believes these known hosts alone. */
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

/** Starts one and waits until it has answered with its SSH banner. Needs the tools sshd and ssh-keygen. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const host = options.host ?? "127.0.0.1";
  for (let attempt = 1; ; attempt++) {
    const sshd = new Sshd(host, options.port ?? (await freePort(host)), options);
    try {
      await sshd.start();
      return sshd;
    } catch (error) {
      await sshd[Symbol.asyncDispose]();
      // Somebody else may have taken the free port meanwhile.
      if (options.port !== undefined || attempt === 3 || !sshd.log().includes("Address already in use")) throw error;
    }
  }
}

export class Sshd implements AsyncDisposable {
  readonly host: Loopback;
  readonly port: number;
  /** Who it runs as, and so the only one who can log in (root may let in others). */
  readonly user = currentUser();
  /** Holds all files named below; removed when the sshd is disposed. */
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
  readonly #transcript = new Transcript("sshd's log");
  #listener: Listener | undefined;

  constructor(host: Loopback, port: number, options: SshdOptions) {
    this.host = host;
    this.port = port;
    this.publicKey = readPublic(makeKey(this.keyFile));
    const hostKeyFiles = (options.hostKeys ?? ["ed25519"]).map((type) =>
      makeKey(join(this.directory, `host_${type}`), type),
    );
    this.hostKeys = hostKeyFiles.map(readPublic);
    writeFileSync(this.authorizedKeysFile, lines([this.publicKey, ...(options.authorizedKeys ?? [])]));
    writeFileSync(this.knownHostsFile, lines(this.hostKeys.map((key) => `[${host}]:${port} ${key}`)));
    writeFileSync(this.configFile, configuration(this, hostKeyFiles, options.config ?? []));
  }

  /** For plain ssh, before the host's name; porthop takes the same. */
  get sshArgs(): string[] {
    return keyLogin(this.port, this.user, this.keyFile, this.knownHostsFile);
  }

  /** All that it logged so far, over all starts. */
  log(): string {
    return this.#transcript.text;
  }

  /** Waits for a line of the log. */
  logged(pattern: RegExp, look?: Look): Promise<RegExpMatchArray> {
    return this.#transcript.until(pattern, look);
  }

  /** What it logged since then, once all connections of that time are over: its log may come later than its answers. */
  async logSince(after: number): Promise<string> {
    await this.logged(allOver, { after });
    return this.log().slice(after);
  }

  /** The processes that serve connections: for each one its monitor, what that forked, and what was executed. */
  sessionPids(): number[] {
    return this.#listener === undefined ? [] : descendants(this.#listener.pid);
  }

  /** Starts again after `stop` or `kill`: same port, same keys, and the configuration file as it is now. */
  async start(): Promise<void> {
    if (this.#listener !== undefined) throw new Error(`this sshd already runs on port ${this.port}`);
    const after = this.#transcript.text.length;
    const listener = listen(this.configFile, this.#transcript);
    this.#listener = listener;
    const listening = this.logged(/Server listening on /, { after });
    const ended = listener.closed.then(() => {
      throw new Error(`sshd ended at once:\n${this.log().slice(after)}`);
    });
    // Whichever loses the race is of no more interest.
    listening.catch(() => {});
    ended.catch(() => {});
    try {
      await Promise.race([listening, ended]);
      const from = await greetedFrom(this.host, this.port);
      // Its child for that greeting must not be mistaken for a session.
      await this.logged(new RegExp(`Connection (closed|reset) by \\S+ port ${from}\\b`), { after });
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Ends it and all its sessions as `systemctl stop` with its whole group would: SIGTERM, and it closes its sockets. */
  async stop(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    const pids = [...this.sessionPids(), listener.pid];
    send(pids, "SIGTERM");
    await this.#ended(listener, pids);
  }

  /** SIGKILL to it and to all its sessions at once, as when the machine's power fails; the sockets are reset by the kernel. */
  async kill(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    await this.#ended(listener, killTree(listener.pid));
  }

  /** Kills all sessions but goes on listening: a lost session that can be reconnected. */
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

/** There was a connection, and none whose end has not been logged. */
const allOver =
  /^(?=.*Connection from )(?!.*Connection from \S+ port (\d+)\b(?!.*(?:closed by|reset by|isconnect\w* from) [^\n]*port \1\b))/s;

interface Listener {
  readonly pid: number;
  /** Resolves when it and all who wrote to its log are gone. */
  readonly closed: Promise<void>;
}

function listen(configFile: string, transcript: Transcript): Listener {
  // As root, sshd insists on its privilege separation directory, which a service manager would have made.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const child: ChildProcess = spawn(tool("sshd"), ["-D", "-e", "-f", configFile], {
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

/** sshd takes the first value of a keyword, so the test's own lines come first; but a Match block reaches to the end. */
function configuration(sshd: Sshd, hostKeyFiles: readonly string[], config: readonly string[]): string {
  const match = config.findIndex((line) => /^\s*match\b/i.test(line));
  const own = match === -1 ? config : config.slice(0, match);
  const blocks = match === -1 ? [] : config.slice(match);
  return lines([
    ...own,
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
    "MaxStartups 500",
    "MaxSessions 500",
    // What the tester's shell does at the start (bash reads ~/.bashrc for sshd) is slow, and killed sessions leave traces.
    `SetEnv HOME=${sshd.directory}`,
    ...penalties(),
    ...blocks,
  ]);
}

/** OpenSSH 9.8 and later shut an address out after failed logins, and all tests come from the same address. */
function penalties(): string[] {
  const version = /OpenSSH_(\d+)\.(\d+)/.exec(String(spawnSync(tool("sshd"), ["-V"], { encoding: "utf8" }).stderr));
  const number = Number(version?.[1] ?? 0) * 100 + Number(version?.[2] ?? 0);
  return number >= 908 ? ["PerSourcePenalties no"] : [];
}

/** Connects, reads the identification string (RFC 4253 section 4.2), leaves. Gives the port that this came from. */
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

/** `ssh-ed25519 AAAA...`, without the comment. */
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
