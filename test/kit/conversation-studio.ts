/**
 * Conversations of a capture that a test plays by hand, and the file that they are written to.
 */
import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { join } from "node:path";
import { BlockWriter } from "../../plugins/capture/block-writer.ts";
import { Conversations } from "../../plugins/capture/conversations.ts";
import type { TrackEnds } from "../../plugins/capture/ends.ts";
import { Recording } from "../../plugins/capture/recording.ts";
import type { Track } from "../../plugins/capture/track.ts";
import { pcapngFormat } from "../../src/codec/capture/capture-file.ts";
import type { Direction } from "../../src/plugin.ts";
import { type ReadCapture, readCapture } from "./packet-reader.ts";
import { tempDirectory } from "./temp.ts";

export const folder = tempDirectory("conversations");

const legs = ["leg1-app-listener", "leg3-sshd-target"].map((name) => ({ name, description: "made up by a test" }));
export const ends: TrackEnds = {
  from: { host: "10.0.0.1", port: 1000 },
  to: { host: "10.0.0.2", port: 80 },
  comment: "porthop flow=L1#1",
};

export const startNs = 1_700_000_000_000_000_000n;

let files = 0;

/** Conversations that a test tells what happens, a microsecond after each other; `finish` reads the file back. */
export function studio(path = join(folder, `${++files}.pcapng`), fd = openSync(path, "w")) {
  const writer = new BlockWriter(fd, { failed: (error) => assert.fail(String(error)) });
  const recording = new Recording(writer, pcapngFormat({ application: "porthop" }), legs, startNs, () => {});
  const conversations = new Conversations(recording);
  let timestampNs = startNs;
  const track = (interfaceIndex: number, askEnds: () => TrackEnds = () => ends) => {
    const own: Track = { interfaceIndex, mark: interfaceIndex === 0 ? 1 : 3, ends: askEnds, ready: true };
    const when = () => {
      timestampNs += 1000n;
      return { track: own, timestampNs };
    };
    return {
      open: () => conversations.take({ kind: "opened", ...when() }),
      refused: (reason: string) => conversations.take({ kind: "refused", ...when(), reason }),
      data: (direction: Direction, slices: readonly Uint8Array[]) =>
        conversations.take({ kind: "data", ...when(), direction, slices, bytes: Buffer.concat(slices).length }),
      end: (direction: Direction) => conversations.take({ kind: "ended", ...when(), direction }),
      abort: (by: Direction, reason: string) => conversations.take({ kind: "aborted", ...when(), by, reason }),
    };
  };
  const finish = async (): Promise<ReadCapture> => {
    await recording.finish(timestampNs);
    return readCapture(path);
  };
  return { recording, track, finish };
}
