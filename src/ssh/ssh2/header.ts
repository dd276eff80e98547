/**
 * The server's identification (RFC 4253, section 4.2), read whole. ssh2 forgets the second of three pieces and everything
 * after it (Protocol.js, parseHeader), so it gets all that came each time a line is complete.
 */
import type { ProtocolView } from "./view.ts";

/** Call it before the stream's first bytes. */
export function readHeaderWhole(protocol: Pick<ProtocolView, "_parse" | "_buffer">): void {
  const parseHeader = protocol._parse;
  let heard: Buffer = Buffer.alloc(0);
  let lineStart = 0;
  protocol._parse = (chunk, start, end) => {
    const before = heard.length;
    heard = Buffer.concat([heard, chunk.subarray(start, end)]);
    if (heard.length > mostHeaderBytes) throw new Error("Header too long");
    const lineFeed = heard.lastIndexOf(0x0a);
    if (lineFeed < before && heard.length - lineStart < longestLineBytes) return end;
    lineStart = lineFeed + 1;
    protocol._buffer = undefined;
    // When the identification was in it, parseHeader has put the next parser in this one's place.
    const read = parseHeader.call(protocol, heard, 0, heard.length);
    return start + read - before;
  };
}

/** OpenSSH takes no line beyond 8192 bytes either (kex.c, SSH_MAX_PRE_BANNER_LINES and its buffer). */
const longestLineBytes = 8192;
const mostHeaderBytes = 256 * 1024;
