/**
 * The SSH key log that Wireshark reads (`ssh.keylog_file`, and the secrets of a pcapng file): lines that start with the 16
 * bytes of the client's KEXINIT (RFC 4253, section 7.1). With them a recording of the session can be read: they are secret.
 */

/** What a key exchange has come to. */
export interface KeyLogEntry {
  /** Of the client's KEXINIT. */
  readonly cookie: Uint8Array;
  /** K as it is hashed, without the length in front. */
  readonly secret: Uint8Array;
  /** The client's private key of this one exchange; undefined where there is not one, but two. */
  readonly ephemeralKey: Uint8Array | undefined;
}

/**
 * Two lines for each exchange, without their ends. Wireshark 4.0 knows the first form only. Later ones know both and take the
 * last line, which must be the secret: of the private key they come to a wrong one where K begins with a zero byte.
 */
export function keyLogLines({ cookie, secret, ephemeralKey }: KeyLogEntry): string[] {
  const own = ephemeralKey === undefined ? [] : [`${hex(cookie)} ${hex(ephemeralKey)}`];
  return [...own, `${hex(cookie)} SHARED_SECRET ${hex(secret)}`];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
