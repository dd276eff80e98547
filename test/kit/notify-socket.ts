/**
 * A service manager as a service sees it (sd_notify(3)): a datagram unix socket, read by perl, because no runtime has
 * such sockets. And programs in the place of systemd-notify(1) that misbehave.
 */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ResidentProgram, startResident } from "./resident-program.ts";
import { removeTemp, tempDirectory } from "./temp.ts";
import type { Transcript } from "./transcript.ts";

/** Prints each notice as a line, its assignments separated by `|`. */
const receiver = `
use Socket; $| = 1; my ($path) = @ARGV;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($socket, pack_sockaddr_un($path)) or die "bind: $!";
print "bound\\n";
while (defined recv($socket, my $notice, 65536, 0)) { $notice =~ s/\\n/|/g; print "$notice\\n"; }`;

export class NotifySocket implements AsyncDisposable {
  readonly path: string;
  readonly #directory: string;
  readonly #program: ResidentProgram;

  static async open(): Promise<NotifySocket> {
    const directory = tempDirectory("notify");
    const path = join(directory, "socket");
    return new NotifySocket(directory, path, await startResident("perl", ["-e", receiver, path], /^bound$/m));
  }

  private constructor(directory: string, path: string, program: ResidentProgram) {
    this.path = path;
    this.#directory = directory;
    this.#program = program;
  }

  get told(): Transcript {
    return this.#program.transcript;
  }

  /** All notices so far, without those by which systemd-notify waits for the manager. */
  get notices(): readonly string[] {
    return this.told.text.split("\n").filter((line) => !["bound", "BARRIER=1", ""].includes(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    removeTemp(this.#directory);
  }
}

/** A program in systemd-notify's place: it notes how it was called and does what `script` says. */
export function madeUpNotify(script: string) {
  const directory = tempDirectory("notify");
  const program = join(directory, "systemd-notify");
  const calls = join(directory, "calls");
  writeFileSync(program, `#!/bin/sh\necho "$@" >>${calls}\n${script}\n`);
  chmodSync(program, 0o755);
  return {
    directory,
    /** A PATH on which it comes first. */
    path: `${directory}:${process.env["PATH"] ?? "/usr/bin:/bin"}`,
    calls: () => (existsSync(calls) ? readFileSync(calls, "utf8").trimEnd().split("\n") : []),
  };
}
