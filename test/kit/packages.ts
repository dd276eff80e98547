/**
 * Real tools for the tests. A missing tool is installed when we may install it (root on Debian). Otherwise the missing
 * tool is the reason why a test is skipped. With PORTHOP_NO_SKIP=1 it is an error, so that CI never skips silently.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.ts";

/** What `need` knows about the machine. The kit's own tests pass made-up machines. */
export interface Machine {
  find(tool: string): string | undefined;
  readonly canInstall: boolean;
  readonly noSkip: boolean;
  install(packages: readonly string[]): void;
}

/**
 * Use it as `const missing = need("sshd", "tshark")` at the top of a test file, then `test("...", { skip: missing },
 * ...)`. Not inside a test: an installation takes longer than a test's time limit.
 */
export function need(...tools: string[]): false | string {
  return needOn(thisMachine, tools);
}

/**
 * The path of a tool. The system's own directories are searched too: sshd lies in /usr/sbin, which is not in a user's
 * PATH.
 */
export function findTool(tool: string): string | undefined {
  const directories = [...(process.env["PATH"] ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return directories
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, tool))
    .find(isExecutable);
}

/** Installs all missing tools at once, when we may install. Returns the tools that are still missing. */
export function install(tools: readonly string[], machine = thisMachine): readonly string[] {
  const missing = () => tools.filter((tool) => machine.find(tool) === undefined);
  if (missing().length > 0 && machine.canInstall) {
    withLock("porthop-packages", () => {
      // Another test file may have installed the tools while this one waited for the lock.
      const packages = packagesOf(missing());
      if (packages.length > 0) machine.install(packages);
    });
  }
  return missing();
}

/** The tools that a test file asks for: the strings in the brackets of `need`. */
export function toolsAskedFor(source: string): readonly string[] {
  const asked = [...source.matchAll(/\bneed\(([^)]*)\)/g)].map(([, names = ""]) => names);
  return asked.flatMap((names) => [...names.matchAll(/"([\w.-]+)"/g)].map(([, name = ""]) => name));
}

export function needOn(machine: Machine, tools: readonly string[]): false | string {
  const left = install(tools, machine);
  if (left.length === 0) return false;
  const reason = `needs ${packagesOf(left).join(", ")} (${left.join(", ")} not found)`;
  if (machine.noSkip) throw new Error(`${reason}, and PORTHOP_NO_SKIP=1 forbids to skip`);
  return reason;
}

/** Debian's package of each tool whose package has another name. */
const packageOf: Readonly<Record<string, string>> = {
  sshd: "openssh-server",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  "ssh-keyscan": "openssh-client",
  "ssh-agent": "openssh-client",
  "ssh-add": "openssh-client",
  capinfos: "wireshark-common",
  editcap: "wireshark-common",
  mergecap: "wireshark-common",
  text2pcap: "wireshark-common",
  dumpcap: "wireshark-common",
  Xvfb: "xvfb",
  xdpyinfo: "x11-utils",
  nc: "netcat-openbsd",
  node: "nodejs",
  dropbear: "dropbear-bin",
  dropbearkey: "dropbear-bin",
  unshare: "util-linux",
  nsenter: "util-linux",
  "redis-cli": "redis-tools",
  script: "bsdutils",
  stty: "coreutils",
  ps: "procps",
  pgrep: "procps",
  ip: "iproute2",
  ss: "iproute2",
  tc: "iproute2",
  perl: "perl-base",
  "systemd-notify": "systemd",
};

function packagesOf(tools: readonly string[]): string[] {
  return [...new Set(tools.map((tool) => packageOf[tool] ?? tool))];
}

const thisMachine: Machine = {
  find: findTool,
  canInstall: process.getuid?.() === 0 && existsSync("/etc/debian_version"),
  noSkip: process.env["PORTHOP_NO_SKIP"] === "1",
  install: aptInstall,
};

/** A failure is not thrown. The caller looks for the tools again and reports the missing ones. */
function aptInstall(packages: readonly string[]): void {
  process.stderr.write(`test kit: installing ${packages.join(", ")} with apt-get\n`);
  // noninteractive answers wireshark-common's debconf question; SYSTEMD_OFFLINE keeps openssh-server from starting its daemon.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", SYSTEMD_OFFLINE: "1" };
  const patience = ["-o", "DPkg::Lock::Timeout=300"];
  const apt = (args: readonly string[]) =>
    spawnSync("apt-get", [...patience, ...args], { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  apt(["update"]);
  const installed = apt(["install", "-y", "--no-install-recommends", ...packages]);
  if (installed.status !== 0) process.stderr.write(`test kit: apt-get failed: ${installed.stderr}\n`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
