/**
 * Reads capture files with the tools of users: tshark, capinfos, tcpdump, editcap. Personal settings of Wireshark and
 * the locale have no effect, and the remark about running as root is removed.
 */
import { findTool } from "./packages.ts";
import { type Sum, Summing } from "./random.ts";
import { type RunOptions, run } from "./run.ts";
import { tempDirectory } from "./temp.ts";

export interface Read {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of stdout without the last newline. Empty when nothing was printed. */
  readonly lines: readonly string[];
}

/** Runs `tshark -r FILE ...`. For the file `-`, tshark reads `input`. */
export function tshark(file: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Read> {
  return read("tshark", ["-r", file, ...args], options);
}

export function capinfos(file: string, args: readonly string[] = []): Promise<Read> {
  return read("capinfos", [...args, file]);
}

/**
 * What tshark's experts warn of, about the layers that porthop makes. A port that the system chose may be that of some
 * protocol to tshark, whose experts then find our bytes malformed.
 */
export async function expertWarnings(file: string): Promise<readonly string[]> {
  const { code, stderr, lines } = await tshark(file, ["--disable-protocol", "ssh", "-q", "-z", "expert,warn"]);
  if (code !== 0 || stderr !== "") throw new Error(`tshark cannot read ${file}: ${stderr}`);
  return lines.filter((line) => /^ +\d+ +\S+ +(?:TCP|IPv4|IPv6|Ethernet|Frame|_ws\.\S+) /.test(line));
}

/** Runs `tcpdump -nn -r FILE ...`. */
export function tcpdump(file: string, args: readonly string[] = []): Promise<Read> {
  return read("tcpdump", ["-nn", "-r", file, ...args]);
}

/** For editcap and mergecap, whose file names are among their arguments. */
export function wireshark(tool: "editcap" | "mergecap" | "dumpcap", args: readonly string[]): Promise<Read> {
  return read(tool, args);
}

/**
 * The TCP payload that an interface saw, in frame order. `up` is from the side that sent the SYN. `filter` is a further
 * display filter, such as `tcp.stream==3`. An undefined interface means all interfaces, for a `.pcap`, which has no
 * names.
 */
export async function payloadOf(
  file: string,
  interfaceName: string | undefined,
  direction?: "up" | "down",
  filter?: string,
): Promise<Sum> {
  const filters = ["tcp"];
  if (interfaceName !== undefined) filters.push(`frame.interface_name == ${JSON.stringify(interfaceName)}`);
  if (filter !== undefined) filters.push(`(${filter})`);
  const fields = ["tcp.stream", "tcp.srcport", "ip.src", "ipv6.src", "tcp.payload"].flatMap((name) => ["-e", name]);
  const payload = new Payload(direction);
  const onStdout = (chunk: Uint8Array) => payload.add(chunk);
  const args = ["-Y", filters.join(" && "), "-T", "fields", "-E", "occurrence=f", ...fields];
  const told = await tshark(file, args, { onStdout, timeoutMs: 300_000 });
  // After SIGKILL a capture ends in the middle of a block. The content before the cut is the answer.
  if (told.code !== 0 && !told.stderr.includes("cut short"))
    throw new Error(`tshark cannot read ${file}: ${told.stderr}`);
  return payload.sum();
}

/** Sums tshark's output line by line, so a large capture needs little memory. */
class Payload {
  readonly #direction: "up" | "down" | undefined;
  readonly #summing = new Summing();
  readonly #initiators = new Map<string, string>();
  #rest = "";

  constructor(direction: "up" | "down" | undefined) {
    this.#direction = direction;
  }

  add(chunk: Uint8Array): void {
    const lines = (this.#rest + Buffer.from(chunk).toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#addLine(line);
  }

  sum(): Sum {
    return this.#summing.sum();
  }

  #addLine(line: string): void {
    const [stream = "", port, ip, ipv6, payload = ""] = line.split("\t");
    const sender = `${ip}${ipv6} ${port}`;
    // The first frame of a stream is the SYN of the side that opened the connection.
    const initiator = this.#initiators.get(stream) ?? sender;
    this.#initiators.set(stream, initiator);
    const direction = sender === initiator ? "up" : "down";
    if (payload === "" || (this.#direction !== undefined && this.#direction !== direction)) return;
    this.#summing.add(Buffer.from(payload.replaceAll(":", ""), "hex"));
  }
}

let configuration: string | undefined;

async function read(tool: string, args: readonly string[], options: RunOptions = {}): Promise<Read> {
  configuration ??= tempDirectory("wireshark");
  const env = { ...process.env, LC_ALL: "C.UTF-8", TZ: "UTC", WIRESHARK_CONFIG_DIR: configuration };
  const { code, stdout, stderr } = await run(findTool(tool) ?? tool, args, { ...options, env });
  const lines = stdout === "" ? [] : stdout.replace(/\n$/, "").split("\n");
  return { code, stdout, stderr: stderr.replace(/^Running as user "root".*\n/gm, ""), lines };
}
