/** The modes of a terminal, in the form that the client sends to the server (RFC 4254, section 8; IUTF8: RFC 8160). */

const opcodes = {
  ...{ VINTR: 1, VQUIT: 2, VERASE: 3, VKILL: 4, VEOF: 5, VSTART: 8, VSTOP: 9, VSUSP: 10 },
  ...{ VREPRINT: 12, VWERASE: 13, VLNEXT: 14, VDISCARD: 18 },
  ...{ ICRNL: 36, IXON: 38, IMAXBEL: 41, IUTF8: 42 },
  ...{ ISIG: 50, ICANON: 51, ECHO: 53, ECHOE: 54, ECHOK: 55, IEXTEN: 59, ECHOCTL: 60, ECHOKE: 61 },
  ...{ OPOST: 70, ONLCR: 72, CS8: 91, TTY_OP_ISPEED: 128, TTY_OP_OSPEED: 129 },
} as const;

/**
 * The modes that `stty sane` sets, as on most terminals. With `utf8`, erase removes a whole letter and not one byte.
 */
export function usualModes(utf8: boolean): TerminalModes {
  return { ...sane, IUTF8: utf8 ? 1 : 0 };
}

export type TerminalModes = Readonly<Partial<Record<keyof typeof opcodes, number>>>;

/** For each mode an opcode (1 byte) and a number (4 bytes); a zero byte at the end. */
export function encodeModes(modes: TerminalModes): Uint8Array {
  const entries = Object.entries(modes) as [keyof typeof opcodes, number][];
  const bytes = Buffer.alloc(entries.length * 5 + 1);
  for (const [index, [name, value]] of entries.entries()) {
    bytes.writeUInt8(opcodes[name], index * 5);
    bytes.writeUInt32BE(value, index * 5 + 1);
  }
  return bytes;
}

const sane: TerminalModes = {
  ...{ VINTR: 3, VQUIT: 28, VERASE: 127, VKILL: 21, VEOF: 4, VSTART: 17, VSTOP: 19, VSUSP: 26 },
  ...{ VREPRINT: 18, VWERASE: 23, VLNEXT: 22, VDISCARD: 15 },
  ...{ ICRNL: 1, IXON: 1, IMAXBEL: 1 },
  ...{ ISIG: 1, ICANON: 1, ECHO: 1, ECHOE: 1, ECHOK: 1, IEXTEN: 1, ECHOCTL: 1, ECHOKE: 1 },
  ...{ OPOST: 1, ONLCR: 1, CS8: 1, TTY_OP_ISPEED: 38_400, TTY_OP_OSPEED: 38_400 },
};
