/**
 * How long the resources of a test live. `await using` closes what a test opens, and `shared` what a file shares. What
 * a failing or forgetful test left behind is undone when the process ends, so no test run leaves a trace.
 */
import { after } from "node:test";

/** Runs `undo` when the process ends; `undo` must be synchronous. Returns a function that cancels this. */
export function atExit(undo: () => void): () => void {
  if (!armed) arm();
  undos.add(undo);
  return () => {
    undos.delete(undo);
  };
}

/**
 * One resource for all tests of a file: opened by the first test that asks, closed after the last test. Call this at
 * the top level of the test file, and not in `before`: under Bun, an `after` that is registered inside `before` runs
 * when that hook ends.
 */
export function shared<T extends AsyncDisposable>(open: () => T | Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  after(async () => {
    // When the opening failed, the test that asked has failed, and there is nothing to close here.
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
  // `deno test` emits no "exit" at its end but "unload", and skips `after` hooks when the last test is a skipped one.
  const target = globalThis as { addEventListener?: (event: string, listener: () => void) => void };
  target.addEventListener?.("unload", undoAll);
}

/** The last opened resource is undone first: processes before the directory that they write to. */
function undoAll(): void {
  for (const undo of [...undos].reverse()) {
    try {
      undo();
    } catch {
      // One failure must not prevent the other undos.
    }
  }
  undos.clear();
}
