/** An agent whose every answer is a test's own, on a unix socket, and all that it was asked. */
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { readString, writeStrings } from "../../src/codec/ssh-string.ts";
import { removeTemp, tempDirectory } from "./temp.ts";

export interface MadeUpAgent extends AsyncDisposable {
  readonly path: string;
  /** For each connection the messages that came, in order. */
  readonly conversations: readonly (readonly Buffer[])[];
}

/** What `answer` gives is sent with its length; undefined hangs up, and null says nothing. */
export async function startMadeUpAgent(
  answer: (message: Buffer, index: number) => Uint8Array | undefined | null,
): Promise<MadeUpAgent> {
  const directory = tempDirectory("made-up-agent");
  const path = join(directory, "agent");
  const sockets = new Set<Socket>();
  const conversations: Buffer[][] = [];
  const server = createServer((socket) => {
    const heard: Buffer[] = [];
    conversations.push(heard);
    sockets.add(socket);
    socket.on("error", () => {});
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let message = readString(received, 0); message !== undefined; message = readString(received, 0)) {
        const bytes = Buffer.from(message.bytes);
        received = received.subarray(message.next);
        heard.push(bytes);
        const said = answer(bytes, heard.length - 1);
        if (said === undefined) socket.end();
        else if (said !== null) socket.write(writeStrings(said));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    conversations,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      removeTemp(directory);
    },
  };
}
