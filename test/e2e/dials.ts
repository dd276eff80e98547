/** Who dialed whom in a capture, from its SYNs: `127.0.0.1:40000,127.0.0.1:80`, in order. */
import { tshark } from "../kit/capture.ts";

export async function dials(file: string, filter: string): Promise<readonly string[]> {
  const fields = ["ip.src", "tcp.srcport", "ip.dst", "tcp.dstport"].flatMap((name) => ["-e", name]);
  const { lines } = await tshark(file, ["-Y", `${filter} && tcp.flags == 0x002`, "-T", "fields", ...fields]);
  return lines.map((line) => line.replace(/\t/g, ":").replace(/^([^:]+:\d+):/, "$1,"));
}
