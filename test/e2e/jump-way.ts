/** Several sshds one behind the other, as one server for the tunnels of the tests: -J through all but the last. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyLogin, type Sshd, type SshdOptions, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

export interface JumpWay extends AsyncDisposable {
  /** In the order in which they are passed; the last is the destination. */
  readonly sshds: readonly [Sshd, ...Sshd[]];
  readonly destination: Sshd;
  readonly host: string;
  /** For porthop and ssh, before the destination's host. */
  readonly sshArgs: readonly string[];
  /** The same without -J. */
  readonly plainArgs: readonly string[];
  /** Has the keys of all of them. */
  readonly knownHostsFile: string;
  /** Logs in to all of them. */
  readonly keyFile: string;
}

/** `options` are for each of them in turn. */
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

/** As it stands in -J. */
export function jumpOf({ user, host, port }: Sshd): string {
  return `${user}@${host}:${port}`;
}
