import assert from "node:assert/strict";
import { test } from "node:test";
import type { BaseAgent } from "ssh2";
import { parsePublicKey, recognizeKey } from "../../../../src/codec/keys/key-text.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { type Agent, type AgentKey, AgentSilent } from "../../../../src/ssh/login/agent.ts";
import type { AuthContext } from "../../../../src/ssh/login/auth-method.ts";
import type { Identities } from "../../../../src/ssh/login/identity.ts";
import { KeyFile } from "../../../../src/ssh/login/key-file.ts";
import { PublicKeyMethod } from "../../../../src/ssh/login/public-key-method.ts";
import { Answers, ctrlC } from "../../../kit/answers.ts";
import { authContext } from "../../../kit/auth-context.ts";
import { makeSshKey } from "../../../kit/ssh-server.ts";

const ssh2 = await loadSsh2();

function blobOf(publicLine: string): Buffer {
  const blob = parsePublicKey(publicLine);
  assert.ok(blob !== undefined);
  return blob;
}

interface FileChanges {
  /** The public part is not known before the file is opened. */
  readonly hidden?: boolean;
  /** Locked, without a public part of its own. */
  readonly locked?: boolean;
  readonly isPublic?: boolean;
}

function keyFile(label: string, { hidden = false, locked = false, isPublic = false }: FileChanges = {}) {
  const key = makeSshKey();
  const blob = blobOf(key.public);
  const recognized = recognizeKey(key.private);
  return {
    blob,
    file: new KeyFile({
      label,
      text: key.private,
      recognized: isPublic ? { format: "public", locked: false } : { ...recognized, locked },
      publicBlob: hidden ? undefined : blob,
    }),
  };
}

const identities = (changes: Partial<Identities> = {}): Identities => ({
  files: [],
  certificates: [],
  unusable: [],
  publicBlobs: [],
  ...changes,
});

const agentKey = (comment: string, blob = blobOf(makeSshKey().public), type = "ssh-ed25519"): AgentKey => ({
  blob,
  type,
  comment,
});

interface PlayedAgent {
  readonly keys?: readonly AgentKey[];
  readonly list?: () => Promise<AgentKey[]>;
  readonly sign?: (blob: Uint8Array, data: Uint8Array, flags: number) => Promise<Buffer>;
}

function agent({ keys = [], list, sign }: PlayedAgent): Agent {
  const played = {
    list: list ?? (async () => [...keys]),
    sign: sign ?? (() => Promise.reject(new Error("nobody signs"))),
  };
  return played as unknown as Agent;
}

interface Case {
  readonly identities?: Identities;
  readonly agent?: Agent;
  readonly identitiesOnly?: boolean;
  readonly context?: Partial<AuthContext>;
}

async function play({
  identities: own = identities(),
  agent: its,
  identitiesOnly = false,
  context: changes = {},
}: Case) {
  const context = await authContext(changes);
  const method = new PublicKeyMethod(context, { identities: own, agent: its, identitiesOnly });
  const offers: BaseAgent[] = [];
  /** The next key that is offered; undefined when there are no more. */
  const next = async (): Promise<string | undefined> => {
    const attempt = await method.next();
    if (attempt === undefined) return undefined;
    assert.ok(attempt.type === "agent" && typeof attempt.agent === "object");
    assert.equal(attempt.username, "anna");
    offers.push(attempt.agent as BaseAgent);
    return context.record.attempts.at(-1)?.key?.label;
  };
  const all = async (): Promise<string[]> => {
    const labels: string[] = [];
    for (let label = await next(); label !== undefined; label = await next()) labels.push(label);
    return labels;
  };
  /** The server would take the key that was offered last. */
  const sign = (hash?: "sha1" | "sha256" | "sha512") =>
    new Promise<Buffer>((resolve) => {
      offers.at(-1)?.sign({} as never, Buffer.from("data"), hash === undefined ? {} : { hash }, (_error, signature) => {
        if (signature !== undefined) resolve(signature);
      });
    });
  return { context, next, all, sign, stepAccepted: () => method.stepAccepted() };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("Keys of the agent that files name come first, then its others, then the files it does not have.", async () => {
  const [named, lone] = [keyFile("~/named"), keyFile("~/lone")];
  const keys = [agentKey("other"), agentKey("the named one", named.blob), agentKey("another")];
  const own = identities({ files: [lone.file, named.file], publicBlobs: [lone.blob, named.blob] });
  const { all, context } = await play({ identities: own, agent: agent({ keys }) });
  assert.deepEqual(await all(), ["the named one", "other", "another", "~/lone"]);
  assert.deepEqual(
    context.record.attempts.map(({ method, key, answer }) => [method, key?.fromAgent, answer]),
    [true, true, true, false].map((fromAgent) => ["publickey", fromAgent, undefined]),
  );
});

test("With IdentitiesOnly the agent's others are left out.", async () => {
  const named = keyFile("~/named");
  const keys = [agentKey("other"), agentKey("the named one", named.blob)];
  const own = identities({ files: [named.file], publicBlobs: [named.blob] });
  const { all } = await play({ identities: own, agent: agent({ keys }), identitiesOnly: true });
  assert.deepEqual(await all(), ["the named one"]);
});

test("After an accepted step all keys have their turn again, those that had none yet first.", async () => {
  const own = ["~/a", "~/b", "~/c"].map((label) => keyFile(label));
  const { next, all, stepAccepted } = await play({ identities: identities({ files: own.map(({ file }) => file) }) });
  assert.deepEqual([await next(), await next()], ["~/a", "~/b"]);
  stepAccepted();
  assert.deepEqual(await all(), ["~/c", "~/a", "~/b"]);
  stepAccepted();
  assert.deepEqual(await all(), [], "a method that came to its end does not come back");
});

test("A server that accepts one step after the other without an end is not followed for ever.", async () => {
  const { file } = keyFile("~/a");
  const { next, stepAccepted, context } = await play({ identities: identities({ files: [file] }) });
  for (let label = await next(); label !== undefined; label = await next()) stepAccepted();
  assert.equal(context.record.attempts.length, 21);
});

test("A key that could not sign is not offered again after an accepted step.", async () => {
  const [bad, good] = [agentKey("bad"), agentKey("good")];
  const { next, sign, all, stepAccepted } = await play({ agent: agent({ keys: [bad, good] }) });
  await next();
  void sign();
  await settled();
  await next();
  stepAccepted();
  assert.deepEqual(await all(), ["good"]);
});

test("Keys that the agent keeps from this host are told.", async () => {
  const its = { list: async () => [], countWithheld: async () => 2, isBound: true } as unknown as Agent;
  const { all, context } = await play({ agent: its });
  assert.deepEqual(await all(), []);
  assert.match(context.record.obstacles.at(-1)?.hint ?? "", /^ssh-agent has 2 keys .*ssh-add -h$/);
});

test("Each key is offered once, however often it is there.", async () => {
  const { file, blob } = keyFile("~/one");
  const twin = keyFile("~/two", { hidden: true });
  const own = identities({ files: [file, file, twin.file, twin.file] });
  const keys = [agentKey("first", blob), agentKey("second", blob)];
  const { all } = await play({ identities: own, agent: agent({ keys }) });
  assert.deepEqual(await all(), ["first", "~/two"]);
});

test("Without any key there is nothing to offer.", async () => {
  const { all, context } = await play({});
  assert.deepEqual([await all(), context.record.attempts, context.record.obstacles], [[], [], []]);
});

test("An agent that is gone is passed over, and told as an obstacle.", async () => {
  const { file } = keyFile("~/one");
  const gone = agent({ list: () => Promise.reject(new Error("no agent can be reached at /x")) });
  const { all, context } = await play({ identities: identities({ files: [file] }), agent: gone });
  assert.deepEqual(await all(), ["~/one"]);
  assert.deepEqual(context.record.obstacles, [
    { kind: "agent", hint: "ssh-agent was of no help: no agent can be reached at /x" },
  ]);
});

test("Files that could not be used, and public halves without the other one, are told as obstacles.", async () => {
  const half = keyFile("~/half.pub", { isPublic: true });
  const unusable = [{ label: "~/open", reason: "permissions", text: "unprotected", hint: "chmod 600 ~/open" }] as const;
  const { all, context } = await play({ identities: identities({ files: [half.file], unusable }) });
  assert.deepEqual(await all(), []);
  assert.deepEqual(context.record.obstacles, [
    { kind: "permissions", hint: "chmod 600 ~/open" },
    { kind: "format", hint: "~/half.pub is only the public half of a key, and no agent has the other one" },
  ]);
});

test("A public half whose other one is in the agent is the agent's key.", async () => {
  const half = keyFile("~/half.pub", { isPublic: true });
  const own = identities({ files: [half.file], publicBlobs: [half.blob] });
  const { all, context } = await play({ identities: own, agent: agent({ keys: [agentKey("its", half.blob)] }) });
  assert.deepEqual([await all(), context.record.obstacles], [["its"], []]);
});

test("A key of a kind that nobody here can use is passed over, and told as an obstacle.", async () => {
  const strange = agentKey("a token", writeStrings("ssh-xmss@openssh.com", "key"), "ssh-xmss@openssh.com");
  const { all, context } = await play({ agent: agent({ keys: [strange, agentKey("good")] }) });
  assert.deepEqual(await all(), ["good"]);
  assert.deepEqual(
    context.record.obstacles.map(({ kind }) => kind),
    ["unsupported"],
  );
});

test("A locked file that hides which key it is has to be opened to be offered, or is passed over.", async () => {
  const hidden = keyFile("~/hidden", { hidden: true, locked: true });
  const own = identities({ files: [hidden.file] });
  const alone = await play({ identities: own });
  assert.deepEqual(await alone.all(), []);
  assert.deepEqual(
    alone.context.record.obstacles.map(({ kind }) => kind),
    ["locked"],
  );
  assert.match(alone.context.record.obstacles[0]?.hint ?? "", /ssh-add$/);
  const asked = await play({ identities: own, context: { prompter: new Answers(ctrlC) } });
  await assert.rejects(asked.all(), { code: "cancelled" });
});

test("Agent keys are called by their comments, made safe, or by their kind.", async () => {
  const keys = [agentKey("work\u001b[2J laptop"), agentKey("")];
  const { all } = await play({ agent: agent({ keys }) });
  assert.deepEqual(await all(), ["work\\x1b[2J laptop", "ED25519 key"]);
});

test("A file signs only when the server would take its key, and what it signs can be verified.", async () => {
  const { file, blob } = keyFile("~/one");
  const { next, sign } = await play({ identities: identities({ files: [file] }) });
  await next();
  const parsed = ssh2.utils.parseKey(blob);
  assert.ok(!(parsed instanceof Error));
  assert.equal(parsed.verify(Buffer.from("data"), await sign()), true);
});

test("The agent is asked to sign with the hash that the server wants, and the algorithm's name is taken off.", async () => {
  const rsa = writeStrings("ssh-rsa", Buffer.from([1, 0, 1]), Buffer.concat([Buffer.of(0), Buffer.alloc(256, 0xc3)]));
  const asked: number[] = [];
  const algorithms: Readonly<Record<number, string>> = { 0: "ssh-rsa", 2: "rsa-sha2-256", 4: "rsa-sha2-512" };
  const its = agent({
    keys: [agentKey("rsa", rsa, "ssh-rsa")],
    sign: async (_blob, _data, flags) => {
      asked.push(flags);
      return writeStrings(algorithms[flags] ?? "", Buffer.from(`signed with ${flags}`));
    },
  });
  const { next, sign } = await play({ agent: its });
  await next();
  assert.equal(String(await sign("sha256")), "signed with 2");
  assert.equal(String(await sign("sha512")), "signed with 4");
  assert.equal(String(await sign("sha1")), "signed with 0");
  assert.deepEqual(asked, [2, 4, 0]);
});

for (const [what, sign, why] of [
  ["refuses to sign", () => Promise.reject(new Error("the agent refused to sign")), "the agent refused to sign"],
  [
    "signs with another algorithm",
    async () => writeStrings("ssh-rsa", Buffer.from("sha-1")),
    "the agent cannot sign with ssh-ed25519",
  ],
  ["answers nonsense", async () => Buffer.from("nonsense"), "the agent cannot sign with ssh-ed25519"],
] as const) {
  test(`When the agent ${what} the next key is tried, and the obstacle is told.`, async () => {
    const { next, sign: take, context } = await play({ agent: agent({ keys: [agentKey("work")], sign }) });
    await next();
    void take();
    await settled();
    assert.deepEqual([context.advanced(), context.gaveUp], [1, []]);
    assert.equal(context.record.attempts[0]?.answer, "unsigned");
    assert.deepEqual(context.record.obstacles, [
      { kind: "signing", hint: `the server would take the agent's key work, but ${why}` },
    ]);
    assert.match(context.log.text, /^warn cannot sign with the agent's key work: /m);
  });
}

test("A file that cannot be opened when it is wanted is passed over, and told as an obstacle.", async () => {
  const locked = keyFile("~/locked", { locked: true });
  const { next, sign, context } = await play({ identities: identities({ files: [locked.file] }) });
  await next();
  void sign();
  await settled();
  assert.deepEqual([context.advanced(), context.record.attempts[0]?.answer], [1, "unsigned"]);
  assert.match(context.record.obstacles[0]?.hint ?? "", /~\/locked is locked by a passphrase.*ssh-add/);
});

test("Ctrl-C at a passphrase ends the whole login.", async () => {
  const locked = keyFile("~/locked", { locked: true });
  const { next, sign, context } = await play({
    identities: identities({ files: [locked.file] }),
    context: { prompter: new Answers(ctrlC) },
  });
  await next();
  void sign();
  await settled();
  assert.equal(context.advanced(), 0);
  const [reason] = context.gaveUp;
  assert.ok(reason instanceof PorthopError && reason.code === "cancelled");
});

test("A security key of the agent is offered under its own name, and signed with all that the agent gives.", async () => {
  const type = "sk-ssh-ed25519@openssh.com";
  const token = agentKey("a token", writeStrings(type, Buffer.alloc(32), "ssh:"), type);
  const whole = Buffer.concat([writeStrings(type, Buffer.alloc(64)), Buffer.from([1, 0, 0, 0, 9])]);
  const signing = agent({ keys: [token], sign: async () => whole });
  const { all, sign } = await play({ agent: signing });
  assert.deepEqual(await all(), ["a token"]);
  assert.deepEqual(await sign(), whole);
});

for (const [flags, needs] of [
  [1, "touch"],
  [0, "nobody"],
  [4, "nobody"],
  [5, "touch"],
] as const) {
  test(`Before a security key signs, the person is told; with the flags ${flags} such a login needs ${needs}.`, async () => {
    const type = "sk-ssh-ed25519@openssh.com";
    const token = agentKey("a token", writeStrings(type, Buffer.alloc(32), "ssh:"), type);
    const told: string[] = [];
    const signing = agent({
      keys: [token],
      async sign() {
        told.push(context.log.text);
        return Buffer.concat([writeStrings(type, Buffer.alloc(64)), Buffer.from([flags, 1, 1, 1, 1])]);
      },
    });
    const { all, sign, context } = await play({ agent: signing });
    await all();
    assert.equal(context.record.needs, "nobody");
    await sign();
    await sign();
    const line = "info the login of anna@vishnu waits for the security key a token: touch it if it blinks";
    assert.deepEqual(
      told.map((text) => text.split("\n").filter((each) => each === line).length),
      [1, 2],
    );
    assert.equal(context.record.needs, needs);
  });
}

test("A key that no right passphrase was typed for needs a person the next time, one that opens needs nobody.", async () => {
  const locked = keyFile("~/locked", { locked: true });
  const { next, sign, context } = await play({
    identities: identities({ files: [locked.file] }),
    context: { prompter: new Answers("") },
  });
  await next();
  void sign();
  await settled();
  assert.deepEqual([context.advanced(), context.record.needs], [1, "person"]);
  const open = keyFile("~/open");
  const other = await play({ identities: identities({ files: [open.file] }) });
  await other.next();
  await other.sign();
  assert.equal(other.context.record.needs, "nobody");
});

test("An agent that hangs is a warning, one that is not there none.", async () => {
  for (const [error, level] of [
    [new AgentSilent("it hangs"), "warn"],
    [new Error("it is gone"), "debug"],
  ] as const) {
    const { all, context } = await play({ agent: agent({ list: () => Promise.reject(error) }) });
    assert.deepEqual(await all(), []);
    assert.deepEqual(context.log.lines, [`${level} going on without ssh-agent: ${error.message}`]);
  }
});
