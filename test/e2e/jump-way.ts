/** Several sshds one behind the other, as one server for the tunnels of the tests: -J through all but the last. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyLogin, type Sshd, type SshdOptions, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

export interface JumpWay extends AsyncDisposable {
  /** The sshds in the order of the way; the last one is the destination. */
  readonly sshds: readonly [Sshd, ...Sshd[]];
  readonly destination: Sshd;
  readonly host: string;
  /** The words for porthop and ssh before the destination's host. */
  readonly sshArgs: readonly string[];
  /** `sshArgs` without -J. */
  readonly plainArgs: readonly string[];
  /** A known_hosts file with the host keys of all sshds. */
  readonly knownHostsFile: string;
  /** A private key that logs in to all sshds. */
  readonly keyFile: string;
}

/** `options` has the options of each sshd in turn. */
export async function jumpWay(count: number, options: readonly SshdOptions[] = []): Promise<JumpWay> {
  const first = await startSshd(options[0]);
  const rest: Sshd[] = [];
  for (let index = 1; index < count; index++) {
    rest.push(await startSshd({ ...options[index], authorizedKeys: [first.publicKey] }));
  }
  const sshds = [first, ...rest] as const;
  const destination = sshds.at(-1) ?? first;
  const directory = tempDirectory("jump-way");
  const knownHostsFile = join(directory, "known_hosts");
  writeFileSync(knownHostsFile, sshds.map((sshd) => readFileSync(sshd.knownHostsFile, "utf8")).join(""));
  const plainArgs = keyLogin(destination.port, destination.user, first.keyFile, knownHostsFile);
  const jumps = sshds.slice(0, -1).map(jumpOf).join(",");
  return {
    sshds,
    destination,
    host: destination.host,
    sshArgs: [...(jumps === "" ? [] : ["-J", jumps]), ...plainArgs],
    plainArgs,
    knownHostsFile,
    keyFile: first.keyFile,
    async [Symbol.asyncDispose]() {
      for (const sshd of sshds) await sshd[Symbol.asyncDispose]();
      removeTemp(directory);
    },
  };
}

/** The sshd as text for -J. */
export function jumpOf({ user, host, port }: Sshd): string {
  return `${user}@${host}:${port}`;
}
