import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import {
  type AlgorithmWishes,
  hostKeyOffer,
  lackingAlgorithms,
  sessionAlgorithms,
} from "../../../../src/ssh/algorithm/algorithms.ts";
import { loadSsh2 } from "../../../../src/ssh/loader.ts";
import { flawOf } from "../../../../src/ssh/ssh2/extension.ts";
import { currentRuntime } from "../../../kit/runtime.ts";

/** ssh2's own lists, which its types do not show (ssh2 1.17.0, lib/protocol/constants.js). */
const supported = createRequire(import.meta.url)("ssh2/lib/protocol/constants.js") as Readonly<
  Record<"SUPPORTED_CIPHER" | "SUPPORTED_MAC" | "SUPPORTED_KEX" | "SUPPORTED_SERVER_HOST_KEY", readonly string[]>
>;

const gcm = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];
const ctr = ["aes128-ctr", "aes192-ctr", "aes256-ctr"];
const chacha = "chacha20-poly1305@openssh.com";

// Where a test before this one loaded ssh2 by itself, porthop could not extend it, and offers less.
await loadSsh2();
const fine = (names: string[]) => names.filter((name) => flawOf(name) === undefined);

function offered(wishes: AlgorithmWishes = {}) {
  const { cipher, hmac, kex, serverHostKey, compress } = sessionAlgorithms(wishes);
  return {
    cipher: cipher as readonly string[],
    hmac: hmac as readonly string[],
    kex: kex as readonly string[],
    hostKeys: serverHostKey as readonly string[],
    compress: compress as readonly string[],
  };
}

function refusal(wishes: AlgorithmWishes): PorthopError {
  try {
    sessionAlgorithms(wishes);
  } catch (error) {
    assert.ok(error instanceof PorthopError, String(error));
    return error;
  }
  throw new Error("it was taken");
}

test("ssh2 has every algorithm that is offered.", () => {
  const { cipher, hmac, kex, hostKeys } = offered();
  for (const [names, theirs] of [
    [cipher, supported.SUPPORTED_CIPHER],
    [hmac, supported.SUPPORTED_MAC],
    [kex, supported.SUPPORTED_KEX],
    [hostKeys, supported.SUPPORTED_SERVER_HOST_KEY],
  ] as const) {
    assert.ok(names.length > 0);
    for (const name of names) assert.ok(theirs.includes(name), name);
    assert.equal(new Set(names).size, names.length, "each once");
  }
});

test("All that old servers have can be asked for.", () => {
  const { cipher, hmac, kex, hostKeys } = offered({
    ciphers: "+aes128-cbc,aes256-cbc,3des-cbc",
    macs: "+hmac-sha1-96,hmac-md5,hmac-md5-96",
    kex: "+diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group15-sha512",
    hostKeyAlgorithms: "+ssh-rsa,ssh-dss",
  });
  for (const [names, theirs] of [
    [cipher, supported.SUPPORTED_CIPHER],
    [hmac, supported.SUPPORTED_MAC],
    [kex, supported.SUPPORTED_KEX],
    [hostKeys, supported.SUPPORTED_SERVER_HOST_KEY],
  ] as const) {
    for (const name of names) assert.ok(theirs.includes(name), name);
  }
});

test("Under Bun GCM is first and chacha20, which is done in JavaScript, last.", {
  skip: currentRuntime !== "bun",
}, () => {
  assert.deepEqual(offered().cipher, fine([...gcm, ...ctr, chacha]));
});

if (currentRuntime === "deno") {
  test("Under Deno chacha20 is first and GCM, which is slow there, last; nistp521 does not work and is left out.", () => {
    assert.deepEqual(offered().cipher, [chacha, ...ctr, ...gcm]);
    assert.equal(offered().kex.includes("ecdh-sha2-nistp521"), false);
  });
}

test("Key exchanges begin as those of OpenSSH 10, and the slow Diffie-Hellman groups come last, by size.", () => {
  const { kex } = offered();
  const first = fine([
    ...["mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"],
    ...["curve25519-sha256", "curve25519-sha256@libssh.org"],
  ]);
  assert.deepEqual(kex.slice(0, first.length), first);
  assert.deepEqual(kex.slice(-3), [
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
  ]);
});

test("The MACs are all that ssh offers, those that JavaScript computes behind SHA-2, and encrypt-then-mac first.", () => {
  const sha2 = ["hmac-sha2-256", "hmac-sha2-512"];
  const forms = [...sha2, "umac-64", "umac-128", "hmac-sha1"];
  assert.deepEqual(
    offered().hmac.slice(0, 2),
    sha2.map((name) => `${name}-etm@openssh.com`),
  );
  const all = forms.flatMap((name) => [
    name.startsWith("umac") ? `${name}@openssh.com` : name,
    `${name}-etm@openssh.com`,
  ]);
  assert.deepEqual([...offered().hmac].sort(), fine(all).sort());
  const isEtm = offered().hmac.map((name) => name.includes("-etm@"));
  assert.ok(isEtm.lastIndexOf(true) < isEtm.indexOf(false));
});

test("Nothing that is broken is offered: no CBC, no RC4, no MD5, no SHA-1 in a key exchange.", () => {
  const { cipher, hmac, kex } = offered();
  for (const name of [...cipher, ...hmac, ...kex])
    assert.doesNotMatch(name, /cbc|arcfour|md5|-96|group1-|sha1$(?<!hmac-sha1)/);
});

test("Those that are wished for are offered in that order and no others, blanks or not.", () => {
  const { cipher, hmac, kex } = offered({
    ciphers: "aes256-ctr,aes128-gcm@openssh.com",
    macs: " hmac-sha1 , hmac-sha2-256 ",
    kex: "curve25519-sha256",
  });
  assert.deepEqual(cipher, ["aes256-ctr", "aes128-gcm@openssh.com"]);
  assert.deepEqual(hmac, ["hmac-sha1", "hmac-sha2-256"]);
  assert.deepEqual(kex, ["curve25519-sha256"]);
});

test("Lists append, remove, and put at the head.", () => {
  const all = offered();
  assert.deepEqual(offered({ ciphers: "+aes128-cbc" }).cipher, [...all.cipher, "aes128-cbc"]);
  assert.deepEqual(offered({ ciphers: "-*gcm*" }).cipher, without(all.cipher, gcm));
  assert.deepEqual(offered({ macs: "^hmac-sha1" }).hmac, ["hmac-sha1", ...without(all.hmac, ["hmac-sha1"])]);
});

function without(names: readonly string[], some: readonly string[]): readonly string[] {
  return names.filter((name) => !some.includes(name));
}

for (const [wishes, message, has] of [
  [{ ciphers: "rot13" }, 'Ciphers: "rot13" is no cipher that ssh knows', "aes128-gcm@openssh.com"],
  [{ ciphers: "" }, "Ciphers: an empty name where a cipher should be", "aes128-ctr"],
  [{ ciphers: "-*" }, 'Ciphers "-*" leaves no cipher', "aes128-ctr"],
  [{ macs: "-*" }, 'MACs "-*" leaves no MAC', "hmac-sha2-256"],
  [{ kex: "-*" }, 'KexAlgorithms "-*" leaves no key exchange', "curve25519-sha256"],
  [
    { hostKeyAlgorithms: "sk-ssh-ed25519@openssh.com" },
    'HostKeyAlgorithms "sk-ssh-ed25519@openssh.com" leaves no host key algorithm',
    "ssh-ed25519",
  ],
] as const) {
  test(`${JSON.stringify(wishes)} is an error that names all there are: ${message}.`, () => {
    const error = refusal(wishes);
    assert.deepEqual([error.code, error.exitCode, error.message], ["config.invalid", 1, message]);
    assert.ok(error.hint.startsWith("porthop has ") && error.hint.includes(has), error.hint);
  });
}

test("What ssh knows and porthop lacks is left out, and named in a line for each list.", () => {
  const wishes = {
    ciphers: "aes256-ctr",
    hostKeyAlgorithms: "sk-ssh-ed25519@openssh.com,ssh-ed25519",
  };
  assert.deepEqual(offered(wishes).hostKeys, ["ssh-ed25519"]);
  assert.deepEqual(lackingAlgorithms(wishes), ["HostKeyAlgorithms: porthop does not have sk-ssh-ed25519@openssh.com"]);
  assert.deepEqual(lackingAlgorithms({}), []);
});

test("A name of a hundred thousand letters is cut where it is named.", () => {
  assert.ok(refusal({ ciphers: "x".repeat(100_000) }).message.length < 200);
});

test("The host key types that are known come first in their order, then all others once.", () => {
  const all = offered().hostKeys;
  assert.deepEqual(all.slice(0, 2), ["ssh-ed25519", "ecdsa-sha2-nistp256"]);
  const preferred = offered({ hostKeys: ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] }).hostKeys;
  assert.deepEqual(preferred.slice(0, 2), ["rsa-sha2-512", "rsa-sha2-256"]);
  assert.deepEqual(preferred.toSorted(), all.toSorted());
  assert.deepEqual(offered({ hostKeys: [] }).hostKeys, all);
});

test("As in ssh, what is known goes before a list with + or -, but not before the order of a list of one's own.", () => {
  const hostKeys = ["rsa-sha2-512", "ssh-rsa"];
  const order = (hostKeyAlgorithms: string) => offered({ hostKeys, hostKeyAlgorithms }).hostKeys;
  assert.deepEqual(order("+ssh-rsa").slice(0, 3), ["rsa-sha2-512", "ssh-rsa", "ssh-ed25519"]);
  assert.deepEqual(order("-*ed25519*")[0], "rsa-sha2-512");
  assert.deepEqual(order("^ecdsa-sha2-nistp384")[0], "ecdsa-sha2-nistp384");
  assert.deepEqual(order("ssh-ed25519,rsa-sha2-512"), ["ssh-ed25519", "rsa-sha2-512"]);
});

test("RSA with SHA-1 is offered only to those who ask, as by ssh since 8.8.", () => {
  assert.equal(offered({ hostKeys: ["ssh-rsa"] }).hostKeys.includes("ssh-rsa"), false);
  assert.equal(offered({ hostKeyAlgorithms: "+ssh-rsa" }).hostKeys.includes("ssh-rsa"), true);
});

test("Certificates are left by a list as plain keys are; ssh2, which has none, never sees them.", () => {
  const ed25519 = "ssh-ed25519-cert-v01@openssh.com";
  const offer = (hostKeyAlgorithms?: string) => hostKeyOffer({ hostKeyAlgorithms }, false);
  assert.ok(offer().includes(ed25519));
  assert.ok(offered().hostKeys.every((name) => !name.includes("-cert-")));
  assert.deepEqual(offer("ssh-ed25519"), ["ssh-ed25519"]);
  assert.ok(offer("-*-cert-*").length > 0 && offer("-*-cert-*").every((name) => !name.includes("-cert-")));
  assert.deepEqual(offer(`ssh-ed25519,${ed25519}`), ["ssh-ed25519", ed25519]);
  assert.deepEqual(offered({ hostKeyAlgorithms: ed25519 }).hostKeys, ["ssh-ed25519"]);
});

test("Who wants certificates alone offers no plain key behind them.", () => {
  const ed25519 = "ssh-ed25519-cert-v01@openssh.com";
  for (const hasAuthority of [true, false]) {
    assert.deepEqual(hostKeyOffer({ hostKeyAlgorithms: ed25519, hostKeys: ["ssh-ed25519"] }, hasAuthority), [ed25519]);
  }
  assert.ok(hostKeyOffer({ hostKeyAlgorithms: "*-cert-*" }, false).every((name) => name.includes("-cert-")));
});

test("Certificates come first where an authority is trusted, and last where only keys are known.", () => {
  const hostKeys = ["rsa-sha2-512"];
  assert.match(hostKeyOffer({ hostKeys }, true)[0] ?? "", /-cert-/);
  assert.equal(hostKeyOffer({ hostKeys }, false)[0], "rsa-sha2-512");
  assert.match(hostKeyOffer({ hostKeys }, false).at(-1) ?? "", /-cert-/);
});

test("Compression is offered only when it is wished for, and where the runtime can do it.", () => {
  assert.deepEqual(offered().compress, ["none"]);
  assert.deepEqual(offered({ compression: false }).compress, ["none"]);
  const wished = currentRuntime === "deno" ? ["none"] : ["zlib@openssh.com", "none"];
  assert.deepEqual(offered({ compression: true }).compress, wished);
});
