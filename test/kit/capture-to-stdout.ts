/**
 * A program that captures one flow to stdout and carries the flow at full speed: `capture-to-stdout.ts CHUNKS`, each of
 * 64 KiB. On stderr the program prints "carried" when the flow is over, and then the plugin's log.
 */
import { CaptureScene, turn } from "./capture-scene.ts";

const chunks = Number(process.argv[2]);
const chunk = new Uint8Array(65_536).fill(7);

async function* source(): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < chunks; count++) {
    yield chunk;
    // As with a socket, other work gets its turn between two chunks.
    await turn();
  }
}

// Bun makes stdout non-blocking when a program looks at isTTY, as porthop's command line does.
void process.stdout.isTTY;
const scene = await CaptureScene.start("-");
const flow = scene.enter({ target: { host: "10.0.0.3", port: 5432 } });
await scene.dial(flow);
for await (const passed of flow.up.through(source())) scene.send(flow, "up", passed);
scene.end(flow, "up");
scene.end(flow, "down");
process.stderr.write("carried\n");
await scene.close();
for (const line of scene.host.lines) process.stderr.write(`${line}\n`);
