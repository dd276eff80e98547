/**
 * A recording of a capture on a file of a test, and a conversation whose frames go to it.
 */
import assert from "node:assert/strict";
import { BlockWriter } from "../../plugins/capture/block-writer.ts";
import { Recording } from "../../plugins/capture/recording.ts";
import { pcapngFormat } from "../../src/codec/capture/capture-file.ts";
import { type SentFrame, TcpConversation, type TcpDirection } from "../../src/codec/capture/tcp-conversation.ts";
import { tempDirectory } from "./temp.ts";

export const folder = tempDirectory("recording");

export const startNs = 1_700_000_000_000_000_000n;

export const legs = ["leg1-app-listener", "leg3-sshd-target"].map((name) => ({
  name,
  description: "made up by a test",
}));

export function recordingOn(fd: number, format = pcapngFormat({ application: "porthop" })) {
  let told = 0;
  const writer = new BlockWriter(fd, { failed: (error) => assert.fail(String(error)) });
  const recording = new Recording(writer, format, legs, startNs, () => {
    told += 1;
  });
  return { recording, writer, told: () => told };
}

/** A conversation whose frames are recorded with this time. */
export function talk(recording: Recording, index: number, timestampNs: () => bigint) {
  const ends = { from: { host: "10.0.0.1", port: 1000 + index }, to: { host: "10.0.0.2", port: 80 } };
  const tcp = new TcpConversation({ leg: index + 1, ...ends });
  const record = (frames: readonly SentFrame[]) => {
    for (const frame of frames) recording.packet(index, timestampNs(), frame);
  };
  return {
    open: (comment?: string) => record(tcp.open(comment)),
    data: (direction: TcpDirection, slices: readonly Uint8Array[]) => record(tcp.data(direction, slices)),
    end: (direction: TcpDirection) => record(tcp.end(direction)),
    abort: (by: TcpDirection, comment?: string) => record(tcp.abort(by, comment)),
  };
}
