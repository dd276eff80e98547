import assert from "node:assert/strict";
import { test } from "node:test";
import { carryUntilStopped } from "../../../src/cli/run-until-stopped.ts";
import { readRelaySettings } from "../../../src/config/relay-settings.ts";
import { readRunSettings } from "../../../src/config/run-settings.ts";
import { PorthopError } from "../../../src/errors.ts";
import { planRelay } from "../../../src/forward/plan/relay-plan.ts";
import type { PlanDeps } from "../../../src/forward/plan/tunnel-plan.ts";
import type { TunnelPlan } from "../../../src/forward/tunnel.ts";
import { writtenBy } from "../../kit/written.ts";

// Who tests as a service of systemd is not told how the tunnels of the tests are.
delete process.env["NOTIFY_SOCKET"];

async function carried(words: readonly string[], plan: (deps: PlanDeps) => Promise<TunnelPlan>) {
  let code: number | undefined;
  const settings = readRunSettings([...words, "vishnu"]);
  const written = await writtenBy(async () => {
    code = await carryUntilStopped({ command: "run", words, settings, plan });
  });
  return { code, ...written };
}

test("What goes wrong in the plan is told once, and its exit code is ours.", async () => {
  const failing = () => Promise.reject(new PorthopError("plugin.failed", "it broke", { hint: "mend it" }));
  const told = await carried(["-L", "8080:h:1"], failing);
  assert.deepEqual(told, { code: 1, stdout: "", stderr: "porthop: it broke [plugin.failed]\n  hint: mend it\n" });
  const json = await carried(["--json", "-L", "8080:h:1"], failing);
  assert.deepEqual(json.stdout.match(/"event":"\w+"/g), ['"event":"error"', '"event":"exit"']);
});

test("A defect is not swallowed.", async () => {
  await assert.rejects(
    carried(["-L", "8080:h:1"], () => Promise.reject(new TypeError("a defect"))),
    /a defect/,
  );
});

test("Only -W gets stdin and stdout.", async () => {
  const seen: boolean[] = [];
  const plan = (deps: PlanDeps) => {
    seen.push(deps.streams !== undefined);
    return Promise.reject(new PorthopError("cancelled", "enough"));
  };
  await carried(["-W", "h:1"], plan);
  await carried(["-L", "8080:h:1"], plan);
  assert.deepEqual(seen, [true, false]);
});

test("With -W the flow's end is the end, and a target that refused is 255.", async () => {
  const [forward] = readRunSettings(["-W", "127.0.0.1:1", "vishnu"]).forwards;
  assert.ok(forward !== undefined);
  const told = await carried(["-W", "127.0.0.1:1"], async (deps) => {
    const plan = await planRelay(readRelaySettings(["-L", "8080:127.0.0.1:1"]));
    // Dialed from here, so that it takes no server to be refused.
    const [relay] = plan.forwards;
    assert.ok(relay !== undefined);
    return {
      ...plan,
      forwards: [{ ...relay, id: "W1", listen: undefined }],
      here: { ...plan.here, streams: deps.streams },
    };
  });
  assert.deepEqual([told.code, told.stdout], [255, ""]);
  assert.match(told.stderr, /^porthop: W1#1: 127\.0\.0\.1:1 refused the connection from here \[target\.refused\]\n/);
});
