/**
 * The SSH key log that Wireshark reads (`ssh.keylog_file`, and the secrets of a pcapng file). Each line begins with the
 * 16 bytes of the cookie in the client's KEXINIT (RFC 4253, section 7.1). The lines are secret, because they make a
 * recording of the session readable.
 */

/** The results of one key exchange. */
export interface KeyLogEntry {
  /** The 16 random bytes of the client's KEXINIT. */
  readonly cookie: Uint8Array;
  /** K in the form in which it is hashed, without the length in front. */
  readonly secret: Uint8Array;
  /** The client's private key of this one exchange. Undefined in a hybrid exchange, which has two private keys. */
  readonly ephemeralKey: Uint8Array | undefined;
}

/**
 * Up to two lines for each exchange, without line ends. Wireshark 4.0 knows only the first form, the private key. Later
 * versions know both forms and use the last line, so the secret comes last: from a private key they compute a wrong
 * secret when K begins with a zero byte.
 */
export function keyLogLines({ cookie, secret, ephemeralKey }: KeyLogEntry): string[] {
  const own = ephemeralKey === undefined ? [] : [`${hex(cookie)} ${hex(ephemeralKey)}`];
  return [...own, `${hex(cookie)} SHARED_SECRET ${hex(secret)}`];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
