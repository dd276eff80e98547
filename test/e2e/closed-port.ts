/** A port that opens and closes: the one sign of a start and of a stop that shows from outside, whatever is said. */
import { connectTo } from "../kit/tcp-end.ts";

/** Resolves once nobody listens there any more. Asks again and again: nobody is told of the end of a listener. */
export async function untilClosed(port: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const client = await connectTo(port).catch(() => undefined);
    if (client === undefined) return;
    // Broken off: a flow that it became must not stay for what its target still has to say.
    client.reset();
  }
  throw new Error(`port ${port} is still open`);
}

/** Resolves once somebody listens there. */
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
