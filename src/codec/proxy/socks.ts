/**
 * The server's side of SOCKS 4, 4a (the protocol memos of NEC and of Ying-Da Lee) and 5 (RFC 1928): CONNECT only, and
 * no login, as in ssh -D. Each reader gets all bytes so far, and needs no more bytes than the protocol allows.
 */
import { ipText } from "../ip-bytes.ts";
import { askFor, type ProxyAnswers, type ProxyFailure, type ProxyReading, type ProxyRefusal } from "./proxy-request.ts";

const connect = 1;
/** A user name or host name of SOCKS4 ends with a NUL; SOCKS5's have one byte for their length. */
const maxTextBytes = 255;

/** VN 4, CD, port (2), address (4), user name and NUL; in 4a a host name and NUL, and 0.0.0.x for the address. */
export function readSocks4(held: Uint8Array): ProxyReading | undefined {
  const [, command, high = 0, low = 0] = held;
  if (command === undefined) return undefined;
  if (command !== connect) return refuse4(`SOCKS4 command ${command} is not supported, only CONNECT (1)`);
  const address = held.subarray(4, 8);
  const user = textAt(held, 8);
  if (user === "too-long") return refuse4(`the SOCKS4 user name is longer than ${maxTextBytes} bytes`);
  if (user === undefined) return undefined;
  const port = high * 256 + low;
  const [first, second, third, last] = address;
  if (first !== 0 || second !== 0 || third !== 0 || last === 0) {
    return askFor(ipText(address), port, user.end, socks4Answers, refuse4);
  }
  const host = textAt(held, user.end);
  if (host === "too-long") return refuse4(`the SOCKS4a host name is longer than ${maxTextBytes} bytes`);
  if (host === undefined) return undefined;
  return askFor(host.bytes, port, host.end, socks4Answers, refuse4);
}

/** VER 5, how many methods, the methods (RFC 1928, section 3). */
export function readSocks5(held: Uint8Array): ProxyReading | undefined {
  const count = held[1];
  if (count === undefined || held.length < 2 + count) return undefined;
  if (!held.subarray(2, 2 + count).includes(noLogin)) {
    return {
      kind: "refused",
      reply: Uint8Array.of(5, 0xff),
      reason: "the SOCKS5 client offers no way without a login",
    };
  }
  return { kind: "go-on", length: 2 + count, reply: Uint8Array.of(5, noLogin), next: readRequest5 };
}

const noLogin = 0;

/** VER 5, CMD, 0, ATYP, address, port (RFC 1928, section 4). */
function readRequest5(held: Uint8Array): ProxyReading | undefined {
  const [version, command, , type] = held;
  if (version === undefined) return undefined;
  if (version !== 5) return refuse5(reply5.failed, `the SOCKS5 request says version ${version}`);
  if (command === undefined) return undefined;
  if (command !== connect) {
    return refuse5(reply5.unsupported, `SOCKS5 command ${command} is not supported, only CONNECT (1)`);
  }
  if (type === undefined) return undefined;
  const at = type === addressTypes.name ? 5 : 4;
  const length = type === addressTypes.name ? held[4] : ipLengths.get(type);
  if (length === undefined) {
    // Either the length of the name has not come yet, or the address type is unknown.
    return type === addressTypes.name ? undefined : refuse5(badAddressType, `SOCKS5 has no address type ${type}`);
  }
  const end = at + length;
  const [high, low] = held.subarray(end, end + 2);
  if (high === undefined || low === undefined) return undefined;
  const address = held.subarray(at, end);
  const host = type === addressTypes.name ? address : ipText(address);
  return askFor(host, high * 256 + low, end + 2, socks5Answers, (reason) => refuse5(reply5.failed, reason));
}

const addressTypes = { name: 3 };
const ipLengths: ReadonlyMap<number, number> = new Map([
  [1, 4],
  [4, 16],
]);

/** RFC 1928, section 6. There is no code for a time-out: the client is told that the host is unreachable (4). */
const reply5: Readonly<Record<ProxyFailure, number>> = {
  failed: 0x01,
  shortage: 0x01,
  unavailable: 0x01,
  prohibited: 0x02,
  unreachable: 0x04,
  "timed-out": 0x04,
  refused: 0x05,
  unsupported: 0x07,
};
const badAddressType = 0x08;

const socks4Answers: ProxyAnswers = { accepted: () => answer4(0x5a), refused: () => answer4(0x5b) };
const socks5Answers: ProxyAnswers = {
  accepted: () => answer5(0),
  refused: (failure) => answer5(reply5[failure]),
};

function refuse4(reason: string): ProxyRefusal {
  return { kind: "refused", reply: answer4(0x5b), reason };
}

function refuse5(code: number, reason: string): ProxyRefusal {
  return { kind: "refused", reply: answer5(code), reason };
}

/** Port and address are for BIND; clients ignore them. */
function answer4(code: number): Uint8Array {
  return Uint8Array.of(0, code, 0, 0, 0, 0, 0, 0);
}

/**
 * The bound address would be sshd's end of leg 3, which SSH does not tell. So the answer has 0.0.0.0:0, as ssh's does.
 */
function answer5(code: number): Uint8Array {
  return Uint8Array.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0);
}

/** The text up to the next NUL; undefined until the NUL comes. `end` is the index after the NUL. */
function textAt(held: Uint8Array, start: number): { bytes: Uint8Array; end: number } | "too-long" | undefined {
  if (held.length <= start) return undefined;
  const nul = held.subarray(start, start + maxTextBytes + 1).indexOf(0);
  if (nul >= 0) return { bytes: held.subarray(start, start + nul), end: start + nul + 1 };
  return held.length - start > maxTextBytes ? "too-long" : undefined;
}
