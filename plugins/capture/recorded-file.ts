/**
 * Makes the recording in the file that the user named, and tells the user about it: one warning when the file can take
 * no more, one warning when frames are lost, and at the end how many packets the file holds.
 */

import { pcapFormat, pcapngFormat } from "../../src/codec/capture/capture-file.ts";
import type { Host } from "../../src/plugin.ts";
import { messageOf } from "../../src/text/error-message.ts";
import { visible } from "../../src/text/terminal-text.ts";
import { BlockWriter } from "./block-writer.ts";
import { openCapture } from "./capture-path.ts";
import type { CaptureLane } from "./interfaces.ts";
import { Recording } from "./recording.ts";

export interface RecordedFile {
  readonly file: string;
  /** How many bytes of each packet are kept. Undefined keeps all bytes. */
  readonly snapLength: number | undefined;
  readonly lanes: readonly CaptureLane[];
}

/** Makes the file and writes its beginning. Ends the plugin's setup with an error when the file cannot be made. */
export function startRecording(host: Host, { file, snapLength, lanes }: RecordedFile, now: () => bigint): Recording {
  const writer = new BlockWriter(openCapture(file, host), {
    failed: (error) => host.log.warn(failureText(file, error)),
  });
  const format = file.endsWith(".pcap") ? pcapFormat({ snapLength }) : pcapngFormat({ snapLength, ...madeBy(host) });
  const lossy = () =>
    host.log.warn("the disk is slower than the traffic: frames are being dropped, the forwards go on");
  return new Recording(
    writer,
    format,
    lanes.map(({ described }) => described),
    now(),
    lossy,
  );
}

export async function finishRecording(host: Host, file: string, recording: Recording, endNs: bigint): Promise<void> {
  await recording.finish(endNs);
  if (recording.failed) return;
  const lost = recording.lost === 0 ? "" : `, ${recording.lost} frames lost`;
  host.log.info(`${recording.packets} packets in ${visible(file)}${lost}`);
}

function madeBy(host: Host) {
  return { application: `porthop ${host.version}`, os: process.platform, hardware: process.arch };
}

function failureText(file: string, error: unknown): string {
  const why = messageOf(error);
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (code === "EPIPE") return "the reader of the capture is gone: the capture ended, the forwards go on";
  if (code === "ETIMEDOUT") return `nobody takes the last frames of the capture ${visible(file)}: it ends without them`;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return `the disk is full: the capture ${visible(file)} ended, the forwards go on`;
  }
  return `cannot write the capture ${visible(file)} any more (${visible(why, 200)}): it ended, the forwards go on`;
}
