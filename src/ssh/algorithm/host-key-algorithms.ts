/** The algorithms with which a host proves who it is: with its plain key, or with a certificate of it. */

/** Those with a plain key, in order of preference. */
export const hostKeyAlgorithms: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/** The same with a certificate. */
export const hostCertificateAlgorithms: readonly string[] = hostKeyAlgorithms.map(
  (plain) => `${plain}-cert-v01@openssh.com`,
);
