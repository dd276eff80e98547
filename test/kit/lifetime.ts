/**
 * How long the things of a test live. What a test opens is closed by `await using`, what a file shares by `shared`;
 * whatever a failing or forgetful test left is undone when the process ends, so that no test run leaves a trace.
 */
import { after } from "node:test";

/** Runs `undo` when the process ends; only synchronous work counts there. Gives back a function that takes it off again. */
export function atExit(undo: () => void): () => void {
  if (!armed) arm();
  undos.add(undo);
  return () => {
    undos.delete(undo);
  };
}

/**
 * One resource for all tests of a file: opened by the first test that asks, closed after the last one.
 * Call it at the top level of the test file. (Not in `before`: under Bun an `after` that is registered inside `before`
 * already runs when that hook ends.)
 */
export function shared<T extends AsyncDisposable>(open: () => T | Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  after(async () => {
    // An opening that failed has failed the test that asked for it: nothing is left to close here.
    const resource = await opened?.catch(() => undefined);
    await resource?.[Symbol.asyncDispose]();
  });
  return () => {
    opened ??= (async () => await open())();
    return opened;
  };
}

const undos = new Set<() => void>();
let armed = false;

function arm(): void {
  armed = true;
  process.on("exit", undoAll);
  // `deno test` ends without "exit" but with "unload", and drops `after` hooks when the last test is a skipped one.
  const target = globalThis as { addEventListener?: (event: string, listener: () => void) => void };
  target.addEventListener?.("unload", undoAll);
}

/** Last opened is undone first: processes before the directory that they write to. */
function undoAll(): void {
  for (const undo of [...undos].reverse()) {
    try {
      undo();
    } catch {
      // One that fails must not keep the others from being undone.
    }
  }
  undos.clear();
}
