/**
 * Waits for a port to open or to close: the one sign of a start or a stop that other programs
 * can see, whatever porthop prints.
 */
import { connectTo } from "../kit/tcp-end.ts";

/** Resolves once nobody listens on the port. Asks again and again, because nothing reports the end of a listener. */
export async function untilClosed(port: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const client = await connectTo(port).catch(() => undefined);
    if (client === undefined) return;
    // A reset, because after an end the flow of this client would stay until its target has ended too.
    client.reset();
  }
  throw new Error(`port ${port} is still open`);
}

/** Resolves once somebody listens on the port. */
export async function untilOpen(port: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (performance.now() < deadline) {
    const client = await connectTo(port).catch(() => undefined);
    client?.reset();
    if (client !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`port ${port} does not open`);
}
