/**
 * Questions about what the user wants besides the forward. Details are asked only for a picked item, and Enter means
 * "no".
 */
import { underHome } from "../codec/home-path.ts";
import { Malformed } from "../codec/malformed.ts";
import { parseRate } from "../codec/units.ts";
import { parseJumpList } from "../codec/words/jump-list.ts";
import type { Wishes } from "./plan.ts";
import { type Asking, choice, entry, type Facts, type Option } from "./question.ts";

type Wish = keyof Wishes;

const offers: readonly (Option & { readonly value: Wish; readonly needsSsh?: true })[] = [
  { value: "capture", label: "Record the traffic", hint: "a file for Wireshark" },
  { value: "rate", label: "Limit the speed" },
  { value: "compress", label: "Compress", hint: "for slow lines", needsSsh: true },
  { value: "background", label: "Run in the background" },
  { value: "jumps", label: "Pass another server on the way", hint: "a jump host", needsSsh: true },
];

export function* askWishes(via: "ssh" | "nothing", { home }: Facts): Asking<Wishes> {
  let wishes: Wishes = {};
  for (;;) {
    const left = offers.filter(({ value, needsSsh }) => !(value in wishes) && (via === "ssh" || !needsSsh));
    const isFirst = Object.keys(wishes).length === 0;
    const picked = yield choice("extras", isFirst ? "Anything else?" : "Anything more?", [
      { value: "none", label: "No, that is all" },
      ...left.map(({ value, label, hint }) => ({ value, label, ...(hint === undefined ? {} : { hint }) })),
    ]);
    if (picked === "none") return wishes;
    wishes = { ...wishes, ...(yield* askOne(picked, home)) };
  }
}

function* askOne(picked: string, home: string): Asking<Wishes> {
  if (picked === "capture") {
    const file = yield entry("capture-file", "Into which file?", checkCaptureFile, {
      usual: "porthop.pcapng",
      about: ["Only porthop records; beside the ssh command stand the tcpdump commands that come close."],
    });
    // The word stands in quotes, so no shell expands a `~`. It is expanded here.
    return { capture: underHome(file, home) };
  }
  if (picked === "rate") {
    const rate = yield entry("rate", "How fast at most, each way?", (text) => void parseRate(text), {
      usual: "1MB/s",
      about: ["For example 500KB/s or 8Mbit/s. Only porthop does it, ssh cannot."],
    });
    return { rate };
  }
  if (picked === "jumps") {
    const jumps = yield entry("jumps", "Which server is passed on the way?", checkJumps, {
      about: ["As user@host; several with commas between, in the order they are passed."],
      example: "alice@bastion.example.org",
    });
    return { jumps: parseJumpList(jumps) };
  }
  return picked === "compress" ? { compress: true } : { background: true };
}

/** Other programs would take a leading dash for a flag, and a single dash means stdout. */
function checkCaptureFile(text: string): void {
  if (text.startsWith("-")) throw new Malformed("the name begins with a dash: write ./ before it");
  if (!/\.pcap(ng)?$/.test(text)) throw new Malformed("the name ends in .pcapng or .pcap");
}

function checkJumps(text: string): void {
  if (parseJumpList(text).length === 0) throw new Malformed("name a server, or go back");
}
