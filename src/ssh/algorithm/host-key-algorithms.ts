/** The algorithms with which a host proves its identity: with a plain key, or with a certificate of a key. */

/** The algorithms for plain keys, best first. */
export const hostKeyAlgorithms: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/** The algorithms for certificates, best first. */
export const hostCertificateAlgorithms: readonly string[] = hostKeyAlgorithms.map(
  (plain) => `${plain}-cert-v01@openssh.com`,
);
