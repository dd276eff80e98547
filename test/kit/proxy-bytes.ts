/** The client's side of SOCKS and HTTP CONNECT, byte for byte, for tests that speak these protocols themselves. */

export const socksConnect = 1;
/** Version 5, one method: no login. */
export const greeting5 = Uint8Array.of(5, 1, 0);

export function request4(ip: string, port: number, name?: string, command = socksConnect, user = "me"): Uint8Array {
  const names = name === undefined ? `${user}\0` : `${user}\0${name}\0`;
  return bytes([4, command, port >> 8, port & 255, ...ip.split(".").map(Number)], names);
}

/** SOCKS4a: the address says that a name follows. */
export function request4a(name: string, port: number): Uint8Array {
  return request4("0.0.0.1", port, name);
}

export function request5(
  host: string | readonly number[],
  port: number,
  { command = socksConnect, type }: { command?: number; type?: number } = {},
): Uint8Array {
  const isName = typeof host === "string";
  const address = isName ? Buffer.from(host) : Buffer.from(host);
  const kind = type ?? (isName ? 3 : address.length === 4 ? 1 : 4);
  return bytes([5, command, 0, kind, ...(isName ? [address.length] : []), ...address, port >> 8, port & 255]);
}

export function connectRequest(authority: string, headers = "Host: x\r\n"): Uint8Array {
  return bytes([], `CONNECT ${authority} HTTP/1.1\r\n${headers}\r\n`);
}

export function bytes(first: readonly number[] = [], text = "", ...rest: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.from(first), Buffer.from(text, "latin1"), ...rest]);
}
