/**
 * Reads the server's identification (RFC 4253, section 4.2) as a whole. When the identification comes in three pieces,
 * ssh2 loses the second piece and everything after it (Protocol.js, parseHeader). So here ssh2 gets all bytes again
 * each time a line is complete.
 */
import type { ProtocolView } from "./view.ts";

/** Call this before the stream's first bytes. */
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
    // When the identification is complete, parseHeader has replaced this parser by the next one.
    const read = parseHeader.call(protocol, heard, 0, heard.length);
    return start + read - before;
  };
}

/** OpenSSH accepts no longer line either (kex.c, SSH_MAX_PRE_BANNER_LINES and its buffer). */
const longestLineBytes = 8192;
const mostHeaderBytes = 256 * 1024;
