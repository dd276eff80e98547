/** An ssh2 client that has just begun to connect to a server that says nothing: what comes in is up to the test. */
import { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { ssh2 } from "./loaded-ssh2.ts";

export function unheardClient(): Client {
  const client = new ssh2.Client();
  const sock = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  // Nobody waits for the handshake, nor is told that it does not come.
  client.connect({ sock, username: "anna", readyTimeout: 0 });
  return client;
}
