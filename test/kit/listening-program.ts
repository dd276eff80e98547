/**
 * A program that listens with porthop's listener: `HOST PORT`. It prints one line of JSON that says where it listens,
 * or why it cannot. It ends when its stdin ends. Used by other-listener.ts.
 */
import { PorthopError } from "../../src/errors.ts";
import { listenTcp } from "../../src/io/listen.ts";

const [host = "", port = ""] = process.argv.slice(2);
try {
  const { addresses } = await listenTcp({ host, port: Number(port) }, () => {});
  console.log(JSON.stringify({ addresses }));
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
} catch (error) {
  if (!(error instanceof PorthopError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message, hint: error.hint }));
  process.exit(0);
}
