import assert from "node:assert/strict";
import { test } from "node:test";
import { need } from "../../kit/packages.ts";
import { startSshAgent } from "../../kit/ssh-agent.ts";
import { startSshServer } from "../../kit/ssh-server.ts";
import { keyFile, logIn } from "../../kit/trust-login.ts";

const timeout = 30_000;
const withAgent = { skip: need("ssh-agent", "ssh-add"), timeout };

test(
  "The agent of the environment is asked, another one with IdentityAgent, and none with IdentityAgent none.",
  withAgent,
  async () => {
    const { path, publicKey } = keyFile();
    await using agent = await startSshAgent();
    await agent.add(path);
    await using server = await startSshServer({ publicKey });
    const fromEnvironment = { environment: { SSH_AUTH_SOCK: agent.socket } };
    assert.equal((await logIn(server, fromEnvironment)).error, undefined);
    assert.equal((await logIn(server, { identityAgent: agent.socket })).error, undefined);
    assert.equal((await logIn(server, { ...fromEnvironment, identityAgent: "none" })).error?.code, "ssh.auth-failed");
    assert.equal((await logIn(server)).error?.code, "ssh.auth-failed", "without either there is no agent");
  },
);
