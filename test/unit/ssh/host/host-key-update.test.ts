import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fingerprint } from "../../../../src/codec/keys/fingerprint.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import { type HostKeyUpdate, learnHostKeys, updateHostKeys } from "../../../../src/ssh/host/host-key-update.ts";
import type { Ports } from "../../../../src/ssh/ssh2/ports.ts";
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
  /** Whether it answers with a no. */
  readonly refuses?: boolean;
  readonly update?: Partial<HostKeyUpdate>;
}

function played(keys: readonly HostKey[], known: string, { honest = true, refuses = false, update = {} }: Played = {}) {
  const directory = tempDirectory("host-key-update");
  const file = join(directory, "known_hosts");
  writeFileSync(file, known);
  const log = new LogLines();
  const asked: Buffer[] = [];
  const takers = new Map<string, (data: unknown) => void>();
  const ports: Pick<Ports, "onGlobalRequest" | "proveHostKeys" | "sessionId"> = {
    sessionId,
    onGlobalRequest: (name, take) => void takers.set(name, take),
    async proveHostKeys(unproved) {
      const blobs = unproved.map((key) => key.getPublicSSH());
      asked.push(...blobs);
      const signatures = blobs.map((blob) => {
        const key = keys.find((each) => each.blob.equals(blob));
        assert.ok(key !== undefined);
        const signed = writeStrings("hostkeys-prove-00@openssh.com", honest ? sessionId : "another", blob);
        return writeStrings("ssh-ed25519", sign(null, signed, key.privateKey));
      });
      return refuses ? undefined : writeStrings(...signatures);
    },
  };
  const own: HostKeyUpdate = {
    ...{ name: "vishnu", files: [file], hashed: false, prompter: undefined, log, isTrusted: () => true },
    ...update,
  };
  return {
    ...{ ports, takers, log, asked, own },
    learn: () =>
      learnHostKeys(
        ports,
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
  for (const unproved of [{ honest: false }, { refuses: true }]) {
    using server = played([kept, fresh], known, unproved);
    await assert.rejects(server.learn(), /does not prove that it holds the keys/);
    assert.equal(server.text(), known);
  }
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

test("The server's list is taken once, only from a host that is trusted, and only when somebody wants it.", async () => {
  const key = hostKey();
  const list = [{ getPublicSSH: () => key.blob }];
  const tell = ({ takers }: { readonly takers: ReadonlyMap<string, (data: unknown) => void> }, data: unknown) => {
    assert.deepEqual([...takers.keys()], ["hostkeys-00@openssh.com"], "others go to ssh2");
    takers.get("hostkeys-00@openssh.com")?.(data);
  };
  let trusted = 0;
  const isTrusted = () => {
    trusted++;
    return false;
  };
  using server = played([key], "", { update: { isTrusted } });
  updateHostKeys(server.ports, server.own);
  tell(server, "nonsense");
  tell(server, Array(65).fill(list[0]));
  tell(server, list);
  assert.deepEqual([trusted, server.asked], [1, []]);

  using off = played([key], "");
  updateHostKeys(off.ports, undefined);
  tell(off, list);
  assert.deepEqual(off.asked, []);

  const other = hostKey();
  const told = Promise.withResolvers<void>();
  const log = Object.assign(new LogLines(), { info: () => told.resolve() });
  using twice = played([key, other], `${other.line}\n`, { update: { log } });
  updateHostKeys(twice.ports, twice.own);
  for (let times = 0; times < 2; times++)
    tell(
      twice,
      [key, other].map(({ blob }) => ({ getPublicSSH: () => blob })),
    );
  await told.promise;
  assert.deepEqual(twice.asked, [key.blob]);
});
