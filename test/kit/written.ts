/** What is written to stdout and stderr while some work is done; nothing of it gets out. */
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

/** The same for work that takes its time. What anybody else writes meanwhile is in it too. */
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
