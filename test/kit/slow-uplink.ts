/**
 * A ProxyCommand whose way up is slow: `HOST PORT BYTES_PER_SECOND`. What it does not take stays in the pipe, and then
 * in the client. The way down is not held back.
 */
import { read, writeSync } from "node:fs";
import { createConnection } from "node:net";

const [host = "", port = "", bytesPerSecond = ""] = process.argv.slice(2);
const socket = createConnection({ host, port: Number(port) });
const piece = Buffer.alloc(4096);
let nextMs = 0;
const pass = () =>
  read(0, piece, 0, piece.length, null, (error, bytes) => {
    if (error !== null || bytes === 0) return void socket.end();
    socket.write(Uint8Array.from(piece.subarray(0, bytes)));
    // Also on a busy machine the line is as fast as it should be, and after a pause no faster.
    nextMs = Math.max(nextMs, performance.now() - 500) + (bytes / Number(bytesPerSecond)) * 1000;
    setTimeout(pass, nextMs - performance.now());
  });
pass();
socket.on("data", (chunk) => writeSync(1, chunk));
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit(0));
