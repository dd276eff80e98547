/**
 * The names of algorithms that OpenSSH's ssh knows (`ssh -Q cipher`, `ssh -Q mac` ..., 9.2 to 10.x). A name of these
 * that porthop does not have is left out of a list with a warning; any other name is a mistake.
 */
export type AlgorithmKind = "cipher" | "mac" | "kex" | "hostKey" | "publicKey";

/** The noun for one algorithm of each kind, for messages. */
export const algorithmNouns: Readonly<Record<AlgorithmKind, string>> = {
  cipher: "cipher",
  mac: "MAC",
  kex: "key exchange",
  hostKey: "host key algorithm",
  publicKey: "public key algorithm",
};

export function isAlgorithmKind(text: string): text is AlgorithmKind {
  return Object.hasOwn(algorithmNouns, text);
}

const macs = ["hmac-sha1", "hmac-sha1-96", "hmac-sha2-256", "hmac-sha2-512", "hmac-md5", "hmac-md5-96"];

/** Each of these has a certified form: `ssh-ed25519-cert-v01@openssh.com`. */
const keyTypes = [
  "ssh-ed25519",
  "sk-ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ecdsa-sha2-nistp256",
  "ssh-dss",
  "ssh-rsa",
  // The better one first, as in ssh's own default.
  "rsa-sha2-512",
  "rsa-sha2-256",
];

const keyAlgorithms = [
  ...keyTypes.map((type) => (type.startsWith("sk-") ? `${type}@openssh.com` : type)),
  ...keyTypes.map((type) => `${type}-cert-v01@openssh.com`),
  "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
];

export const openSshAlgorithms: Readonly<Record<AlgorithmKind, readonly string[]>> = {
  cipher: [
    "3des-cbc",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
  ],
  mac: [
    ...macs,
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    ...macs.map((name) => `${name}-etm@openssh.com`),
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
  ],
  kex: [
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    // Groups 15 and 17 are in RFC 8268 and in other servers, but not in OpenSSH.
    "diffie-hellman-group15-sha512",
    "diffie-hellman-group17-sha512",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group-exchange-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "mlkem768x25519-sha256",
  ],
  hostKey: keyAlgorithms,
  publicKey: keyAlgorithms,
};
