import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Client } from "ssh2";
import { fingerprint } from "../../../../src/codec/keys/fingerprint.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import {
  type HostKeyProver,
  type HostKeyUpdate,
  learnHostKeys,
  updateHostKeys,
} from "../../../../src/ssh/host/host-key-update.ts";
import { LogLines } from "../../../kit/log-lines.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

interface HostKey {
  readonly blob: Buffer;
  readonly privateKey: KeyObject;
  readonly line: string;
}

function hostKey(): HostKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const x = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const blob = writeStrings("ssh-ed25519", x);
  return { blob, privateKey, line: `vishnu ssh-ed25519 ${blob.toString("base64")}` };
}

const sessionId = Buffer.from("the session");

interface Played {
  /** Whether it signs what it was asked to. */
  readonly honest?: boolean;
  readonly update?: Partial<HostKeyUpdate>;
}

function played(keys: readonly HostKey[], known: string, { honest = true, update = {} }: Played = {}) {
  const directory = tempDirectory("host-key-update");
  const file = join(directory, "known_hosts");
  writeFileSync(file, known);
  const log = new LogLines();
  const asked: Buffer[] = [];
  const replies: unknown[] = [];
  const callbacks: ((failed: unknown, answer?: Buffer | null) => void)[] = [];
  const protocol = {
    _handlers: { GLOBAL_REQUEST: (_self: unknown, name: string) => void replies.push(name) },
    _kex: { sessionID: sessionId },
    requestSuccess: () => void replies.push(true),
    openssh_hostKeysProve(parsed: readonly { getPublicSSH(): Buffer | string }[]) {
      const blobs = parsed.map((key) => Buffer.from(key.getPublicSSH()));
      asked.push(...blobs);
      const signatures = blobs.map((blob) => {
        const key = keys.find((each) => each.blob.equals(blob));
        assert.ok(key !== undefined);
        const signed = writeStrings("hostkeys-prove-00@openssh.com", honest ? sessionId : "another", blob);
        return writeStrings("ssh-ed25519", sign(null, signed, key.privateKey));
      });
      callbacks.shift()?.(false, writeStrings(...signatures));
    },
  };
  const client = { _protocol: protocol, _callbacks: callbacks } as unknown as HostKeyProver & Client;
  const own: HostKeyUpdate = {
    ...{ name: "vishnu", files: [file], hashed: false, prompter: undefined, log, isTrusted: () => true },
    ...update,
  };
  return {
    ...{ client, log, asked, replies, protocol, own },
    learn: () =>
      learnHostKeys(
        client,
        keys.map(({ blob }) => ({ getPublicSSH: () => blob })),
        own,
      ),
    text: () => readFileSync(file, "utf8"),
    [Symbol.dispose]: () => removeTemp(directory),
  };
}

test("New keys are proved and learned, obsolete ones forgotten, and both are told.", async () => {
  const [kept, fresh, old] = [hostKey(), hostKey(), hostKey()];
  using server = played([kept, fresh], `# mine\n${old.line}\n${kept.line}\n`);
  await server.learn();
  assert.equal(server.text(), `# mine\n${kept.line}\n${fresh.line}\n`);
  assert.deepEqual(server.asked, [fresh.blob]);
  assert.deepEqual(server.log.lines, [
    `info vishnu: learned the new host key ED25519 ${fingerprint(fresh.blob)}`,
    `info vishnu: forgot the host key ED25519 ${fingerprint(old.blob)}, which it has no more`,
  ]);
});

test("With nothing new, nothing is asked and nothing is said.", async () => {
  const key = hostKey();
  using server = played([key], `${key.line}\n`);
  await server.learn();
  assert.deepEqual([server.asked, server.log.lines], [[], []]);
});

test("A server that cannot prove its keys changes nothing, not even what is obsolete.", async () => {
  const [kept, fresh, old] = [hostKey(), hostKey(), hostKey()];
  const known = `${kept.line}\n${old.line}\n`;
  using server = played([kept, fresh], known, { honest: false });
  await assert.rejects(server.learn(), /does not prove that it holds the keys/);
  assert.equal(server.text(), known);
});

test("A person who is asked may say no.", async () => {
  const [kept, fresh] = [hostKey(), hostKey()];
  for (const [answer, lines] of [
    ["no", 1],
    ["", 1],
    ["Yes", 2],
  ] as const) {
    const informed: string[] = [];
    const prompter = {
      ask: async () => answer,
      secret: () => Promise.reject(new Error("nothing secret here")),
      inform: (text: string) => void informed.push(text),
    };
    using server = played([kept, fresh], `${kept.line}\n`, { update: { prompter } });
    await server.learn();
    assert.equal(server.text().trim().split("\n").length, lines, answer);
    assert.match(informed[0] ?? "", /has updated its host keys:\n {2}learned the new host key/);
  }
});

test("The server's list is taken once, and only from a host that is trusted; other requests go to ssh2.", () => {
  const key = hostKey();
  let trusted = 0;
  const isTrusted = () => {
    trusted++;
    return false;
  };
  using server = played([key], "", { update: { isTrusted } });
  updateHostKeys(server.client, server.own);
  const request = server.protocol._handlers.GLOBAL_REQUEST as (...args: unknown[]) => void;
  request(server.protocol, "hostkeys-00@openssh.com", true, [{ getPublicSSH: () => key.blob }]);
  request(server.protocol, "hostkeys-00@openssh.com", false, "nonsense");
  request(server.protocol, "keepalive@openssh.com", true, null);
  assert.deepEqual([server.replies, trusted, server.asked], [[true, "keepalive@openssh.com"], 1, []]);
  using off = played([key], "");
  updateHostKeys(off.client, undefined);
  (off.protocol._handlers.GLOBAL_REQUEST as (...args: unknown[]) => void)(
    off.protocol,
    "hostkeys-00@openssh.com",
    false,
    [],
  );
  assert.deepEqual([off.replies, off.asked], [[], []]);
  updateHostKeys({} as Client, server.own);
});
