/** The text that some work writes to stdout and stderr. None of the text reaches the real outputs. */
export interface Written {
  readonly stdout: string;
  readonly stderr: string;
}

export function written(work: () => void): Written {
  const { taken, giveBack } = takeOver();
  try {
    work();
  } finally {
    giveBack();
  }
  return taken;
}

/** Like `written`, for asynchronous work. Text that other code writes meanwhile is included. */
export async function writtenBy(work: () => Promise<void>): Promise<Written> {
  const { taken, giveBack } = takeOver();
  try {
    await work();
  } finally {
    giveBack();
  }
  return taken;
}

function takeOver() {
  const taken = { stdout: "", stderr: "" };
  const undo = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const original = stream.write;
    stream.write = ((text: string | Uint8Array) => {
      taken[name] += typeof text === "string" ? text : new TextDecoder().decode(text);
      return true;
    }) as typeof stream.write;
    return () => {
      stream.write = original;
    };
  });
  const giveBack = () => {
    for (const restore of undo) restore();
  };
  return { taken, giveBack };
}
