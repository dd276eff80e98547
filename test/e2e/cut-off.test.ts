/** What a stop takes from those who had ended: sshd drops what it still holds at the goodbye, and shows a clean end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { randomChunks } from "../kit/random.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectAt, freePlace, playAt, spec } from "./place.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
/** The kernel holds 200 KB of them for a unix socket that is not read; sshd takes the rest, and it is less than its window. */
const bytes = 1_500_000;
const theSshd = shared(() => startSshd());

for (const kind of ["-L", "-R"] as const) {
  for (const [grace, isLate] of [
    ["200ms", true],
    ["1h", false],
  ] as const) {
    const said = isLate ? "is said to be lost" : "arrives, and nothing is said";
    test(
      `What the server of ${kind} had not passed on when the grace of ${grace} was over ${said}.`,
      limits,
      async () => {
        const sshd = await theSshd();
        await using target = await playAt("unix");
        const listener = await freePlace("unix");
        const forward = [kind, `${spec(listener)}:${spec(target.place)}`, "--grace", grace];
        await using program = porthop(["run", "--json", ...forward, ...sshd.sshArgs, sshd.host]);
        await program.event("ready");
        await using client = await connectAt(listener);
        const far = await target.accepted();
        const [writer, reader] = kind === "-L" ? [client, far] : [far, client];
        reader.end();
        reader.pause();
        await writer.received;
        await writer.send(randomChunks(bytes, 3));
        writer.end();
        assert.equal((await program.event("flow.close")).reason, "ended");
        program.signal("SIGTERM");
        // Not before the grace is over, if it is the short one.
        if (isLate) await program.exit;
        reader.resume();
        const { code, stderr } = await program.exit;
        assert.equal(
          /warning: the last bytes of 1 connection may be lost: the server had not/.test(stderr),
          isLate,
          stderr,
        );
        assert.equal(code, 0);
        assert.equal((await reader.received).bytes < bytes, isLate);
      },
    );
  }
}
