/**
 * A login with the settings of a test to a server of a test, through the real handler of authentication methods.
 */
import assert from "node:assert/strict";
import { defaults } from "../../src/config/defaults.ts";
import type { PorthopError } from "../../src/errors.ts";
import { loadSsh2 } from "../../src/ssh/loader.ts";
import { Agent } from "../../src/ssh/login/agent.ts";
import { type AuthSettings, createAuthHandler } from "../../src/ssh/login/authentication.ts";
import { loadIdentities } from "../../src/ssh/login/identity.ts";
import type { Prompter } from "../../src/ssh/prompter.ts";
import { attach } from "../../src/ssh/ssh2/attach.ts";
import { LogLines } from "./log-lines.ts";
import type { SshServer } from "./ssh-server.ts";
import { tempDirectory } from "./temp.ts";

export const folder = tempDirectory("authentication");

interface Case extends Partial<AuthSettings> {
  readonly user?: string;
  readonly files?: readonly string[];
  readonly agentSocket?: string;
  readonly prompter?: Prompter | undefined;
}

interface Outcome {
  readonly error: PorthopError | undefined;
  readonly log: string;
}

/** Logs in once, and disconnects. */
export async function logIn(server: { host: string; port: number }, options: Case = {}): Promise<Outcome> {
  const ssh2 = await loadSsh2();
  const log = new LogLines();
  const { user = "vishnu", files = [], agentSocket, prompter, ...settings } = options;
  const flagFiles = [...files];
  const identities = await loadIdentities({ flagFiles, configFiles: ["none"], usualFiles: [], home: folder }, log);
  const login = createAuthHandler(
    {
      pubkeyAuthentication: true,
      passwordAuthentication: true,
      kbdInteractiveAuthentication: true,
      batchMode: false,
      identitiesOnly: false,
      preferred: defaults.preferredAuthentications,
      passwordPrompts: defaults.passwordPrompts,
      ...settings,
    },
    { user, host: server.host, port: server.port },
    {
      ssh2,
      log,
      prompter,
      identities,
      agent: agentSocket === undefined ? undefined : new Agent(ssh2, agentSocket, { listMs: 200, signMs: 5_000 }),
    },
  );
  const client = new ssh2.Client();
  const error = await new Promise<PorthopError | undefined>((resolve) => {
    let cause: Error | undefined;
    client.on("ready", () => resolve(undefined));
    client.on("error", (failure) => {
      cause ??= failure;
    });
    client.on("close", () => resolve(login.failure(cause)));
    client.connect({ host: server.host, port: server.port, username: user, authHandler: login.handler });
    login.attach(attach(client));
  });
  client.destroy();
  return { error, log: log.text };
}

export const tried = (server: SshServer) => server.counts.attempts.map(({ method, outcome }) => `${method} ${outcome}`);

export async function refusedLogin(server: { host: string; port: number }, options: Case = {}): Promise<PorthopError> {
  const { error } = await logIn(server, options);
  assert.ok(error !== undefined, "the login went through");
  return error;
}

export const rounds = [
  {
    title: "Second\u001b[31m factor",
    instructions: "Line one\nLine two\u0007",
    prompts: [{ prompt: "Name: ", echo: true }, { prompt: "Code:" }],
    answers: ["me", "123456"],
  },
  { prompts: [{ prompt: "\u001b]0;owned\u0007And again: " }], answers: ["654321"] },
];
