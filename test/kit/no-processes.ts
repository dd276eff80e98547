/**
 * Loaded before the unit tests (`npm run test:unit`): whoever starts a process there gets an error that says where such
 * a test belongs, and the test fails also when that error is caught.
 */
import { afterEach, mock } from "bun:test";
import * as real from "node:child_process";

const started: string[] = [];

function refusing(name: string) {
  return (command: unknown): never => {
    started.push(`${name} ${String(command)}`);
    throw new Error(`a unit test starts no process, and this is ${started.at(-1)}: its place is test/process`);
  };
}

const starting = ["spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync", "fork"];
const refused = { ...real, ...Object.fromEntries(starting.map((name) => [name, refusing(name)])) };
mock.module("node:child_process", () => ({ ...refused, default: refused }));

afterEach(() => {
  const [first] = started.splice(0);
  if (first !== undefined) throw new Error(`this test started a process: ${first}`);
});
