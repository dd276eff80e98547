/**
 * A login as anna with the trust of a test, and the key files for it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaults } from "../../src/config/defaults.ts";
import type { PorthopError } from "../../src/errors.ts";
import { type AskTrust, Session } from "../../src/ssh/session.ts";
import { type TrustSettings, trustFor } from "../../src/ssh/trust.ts";
import type { Answers } from "./answers.ts";
import { LogLines } from "./log-lines.ts";
import { makeSshKey, type SshServer } from "./ssh-server.ts";
import { tellingTo } from "./telling.ts";
import { tempDirectory } from "./temp.ts";

export const never = new AbortController().signal;

export const folder = tempDirectory("trust");

let made = 0;

export function keyFile() {
  const key = makeSshKey();
  const path = join(folder, `key-${++made}`);
  writeFileSync(path, key.private, { mode: 0o600 });
  return { path, publicKey: key.public };
}

interface Case {
  readonly batchMode?: boolean;
  readonly strict?: TrustSettings["hostKeys"]["strict"];
  readonly knownHosts?: string;
  readonly files?: readonly string[];
  readonly identityAgent?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly prompter?: Answers;
  readonly signal?: AbortSignal;
}

/** The trust of a run, for one login after the other. */
export function runTrust(server: SshServer, options: Case = {}) {
  const log = new LogLines();
  const { prompter, environment = {} } = options;
  const settings: TrustSettings = {
    hostKeys: {
      strict: options.strict ?? "ask",
      userFiles: [options.knownHosts ?? server.knownHostsFile],
      globalFiles: [],
      hashKnownHosts: false,
    },
    identities: { flagFiles: options.files ?? [], configFiles: ["none"], usualFiles: [], home: folder },
    authentication: {
      pubkeyAuthentication: true,
      passwordAuthentication: true,
      kbdInteractiveAuthentication: true,
      batchMode: options.batchMode ?? false,
      identitiesOnly: false,
      preferred: defaults.preferredAuthentications,
      passwordPrompts: defaults.passwordPrompts,
    },
    identityAgent: options.identityAgent ?? defaults.identityAgent,
    requiredRsaBits: defaults.requiredRsaBits,
  };
  const host = { host: server.host, port: server.port, user: "anna" };
  return { trust: trustFor(host, settings, { log, prompter, environment }), log };
}

/** Logs in as anna, and leaves again. Gives the error, if it failed, and whom the login needs. */
export async function logInWith(server: SshServer, trust: AskTrust, signal = never) {
  const connecting = Session.connect(
    {
      host: server.host,
      port: server.port,
      user: "anna",
      connectTimeoutMs: 10_000,
      handshakeTimeoutMs: 10_000,
      attempts: 1,
      keepAliveIntervalMs: 0,
      keepAliveCountMax: 0,
      algorithms: {},
    },
    { trust, ...tellingTo() },
    signal,
  );
  return connecting.then(
    async (session) => {
      await session.close();
      return { error: undefined, needs: session.needs };
    },
    (thrown: unknown) => ({ error: thrown as PorthopError, needs: undefined }),
  );
}

/** Logs in as anna with a trust made of these, and leaves again. Gives the error, if it failed, and what was logged. */
export async function logIn(server: SshServer, options: Case = {}) {
  const { trust, log } = runTrust(server, options);
  return { ...(await logInWith(server, trust, options.signal)), log };
}
