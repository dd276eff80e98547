/**
 * The OpenSSH versions that tests run against: the installed one, and 10.0 from Debian's backports where it can be had
 * (root on Debian 12). The newer one is unpacked beside the system's, which stays as it is.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.ts";
import { findTool } from "./packages.ts";

export interface OpenSsh {
  /** Such as "9.2". */
  readonly version: string;
  readonly ssh: string;
  readonly sshd: string;
  readonly sshAdd: string;
  readonly sshAgent: string;
  readonly sshKeygen: string;
  /** What its sshd needs in sshd_config when it is not at its place. */
  readonly sshdConfig: readonly string[];
}

/** The installed OpenSSH first. Empty when none is installed. */
export function opensshes(): readonly OpenSsh[] {
  const usual = installed();
  const newer = newerOpenSsh();
  return [usual, newer].filter((each) => each !== undefined);
}

/** OpenSSH 10 or later. Undefined when it could not be had on this machine. */
export function newerOpenSsh(): OpenSsh | undefined {
  const usual = installed();
  if (usual !== undefined && Number.parseFloat(usual.version) >= 10) return usual;
  const at = (path: string) => join(unpackedDirectory, path);
  if (!existsSync(at("usr/bin/ssh"))) return undefined;
  return {
    version: versionOf(at("usr/bin/ssh")),
    ssh: at("usr/bin/ssh"),
    sshd: at("usr/sbin/sshd"),
    sshAdd: at("usr/bin/ssh-add"),
    sshAgent: at("usr/bin/ssh-agent"),
    sshKeygen: at("usr/bin/ssh-keygen"),
    sshdConfig: [
      `SshdSessionPath ${at("usr/lib/openssh/sshd-session")}`,
      `SshdAuthPath ${at("usr/lib/openssh/sshd-auth")}`,
    ],
  };
}

/** Unpacks Debian's backport of OpenSSH 10, when we may. Says on stderr when it cannot be had. */
export function unpackNewerOpenSsh(): void {
  const isBookworm = /^12/.test(existsSync(versionFile) ? readFileSync(versionFile, "utf8") : "");
  if (process.getuid?.() !== 0 || !isBookworm || newerOpenSsh() !== undefined) return;
  withLock("porthop-openssh", () => {
    if (newerOpenSsh() !== undefined) return;
    const work = `${unpackedDirectory}.${process.pid}`;
    try {
      unpackInto(work);
      renameSync(join(work, "root"), unpackedDirectory);
    } catch (error) {
      process.stderr.write(`test kit: no newer OpenSSH for the tests: ${(error as Error).message}\n`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
}

const versionFile = "/etc/debian_version";

/** Only root writes here: the tests run what lies in it. */
const unpackedDirectory = "/var/cache/porthop-test-openssh";

function installed(): OpenSsh | undefined {
  const [ssh, sshd, sshAdd, sshAgent, sshKeygen] = ["ssh", "sshd", "ssh-add", "ssh-agent", "ssh-keygen"].map(findTool);
  if (!ssh || !sshd || !sshAdd || !sshAgent || !sshKeygen) return undefined;
  return { version: versionOf(ssh), ssh, sshd, sshAdd, sshAgent, sshKeygen, sshdConfig: [] };
}

function versionOf(ssh: string): string {
  const said = spawnSync(ssh, ["-V"], { encoding: "utf8" }).stderr;
  return /OpenSSH_(\d+\.\d+)/.exec(said)?.[1] ?? "";
}

/** apt gets a list of sources of its own, so that the machine's packages are not touched. */
function unpackInto(work: string): void {
  mkdirSync(join(work, "lists/partial"), { recursive: true, mode: 0o755 });
  mkdirSync(join(work, "root"));
  const sources = join(work, "backports.list");
  writeFileSync(
    sources,
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm-backports main\n",
  );
  const apart = [
    ...["-o", `Dir::Etc::sourcelist=${sources}`, "-o", "Dir::Etc::sourceparts=-"],
    ...["-o", `Dir::State::lists=${join(work, "lists")}`, "-o", "APT::Sandbox::User=root"],
  ];
  run("apt-get", [...apart, "update"], work);
  run("apt-get", [...apart, "download", "openssh-client", "openssh-server"], work);
  for (const name of readdirSync(work).filter((each) => each.endsWith(".deb"))) {
    run("dpkg", ["--extract", name, "root"], work);
  }
}

function run(command: string, args: readonly string[], cwd: string): void {
  const ended = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 120_000 });
  if (ended.status !== 0) throw new Error(`${command} ${args.at(-1) ?? ""} failed: ${ended.stderr.trim()}`);
}
