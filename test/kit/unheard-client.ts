/** An ssh2 client that has just begun to connect to a silent server. The test decides what comes in. */
import { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { ssh2 } from "./loaded-ssh2.ts";

export function unheardClient(): Client {
  const client = new ssh2.Client();
  const sock = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  // No code waits for the handshake, and no code hears that it does not come.
  client.connect({ sock, username: "anna", readyTimeout: 0 });
  return client;
}
