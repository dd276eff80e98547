/** The program that the demo reaches: a web server with one page, on a loopback port. */
import { createServer } from "node:http";

export interface WebServer {
  readonly port: number;
  close(): void;
}

export const page = "Hello from behind the SSH server.\n";

export async function startWebServer(): Promise<WebServer> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/plain", connection: "close" });
    response.end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the demo's web server has no port");
  return {
    port: address.port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
