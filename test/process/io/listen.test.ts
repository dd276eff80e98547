import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { listenTcp } from "../../../src/io/listen.ts";
import { attemptAsNobody, otherListener } from "../../kit/other-listener.ts";

const hasIpv6 = await new Promise<boolean>((resolve) => {
  const probe = createServer();
  probe.once("error", () => resolve(false));
  probe.listen(0, "::1", () => probe.close(() => resolve(true)));
});
const needsIpv6 = { skip: hasIpv6 ? false : "this machine has no IPv6" };

test("A port that is taken names the program and the pid that hold it, and another port to try.", async () => {
  await using other = await otherListener("127.0.0.1", 0);
  const error = await refusal("127.0.0.1", other.port);
  assert.deepEqual([error.code, error.leg], ["listen.in-use", 1]);
  const by = existsSync("/proc/net/tcp") ? ` by ${other.program} (pid ${other.pid})` : "";
  assert.equal(error.message, `cannot listen on 127.0.0.1:${other.port}: already in use${by}`);
  assert.match(error.hint, new RegExp(`another port, for example ${other.port + 1}, or stop`));
  assert.equal((error.cause as NodeJS.ErrnoException).code, "EADDRINUSE");
});

test("A port that is taken on ::1 only is taken for localhost, and 127.0.0.1 is let go again.", needsIpv6, async () => {
  await using other = await otherListener("::1", 0);
  const error = await refusal("localhost", other.port);
  assert.equal(error.code, "listen.in-use");
  const by = existsSync("/proc/net/tcp") ? ` by ${other.program} (pid ${other.pid})` : "";
  assert.equal(error.message, `cannot listen on [::1]:${other.port}: already in use${by}`);
  const again = await listenTcp({ host: "127.0.0.1", port: other.port }, () => {});
  await again.close();
});

test("A port that is taken on one address of either family is taken for *.", async () => {
  for (const host of hasIpv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"]) {
    await using other = await otherListener(host, 0);
    const error = await refusal("*", other.port);
    assert.deepEqual([error.code, error.leg], ["listen.in-use", 1]);
    if (existsSync("/proc/net/tcp"))
      assert.match(error.message, new RegExp(`by ${other.program} \\(pid ${other.pid}\\)$`));
  }
});

test("A port below 1024 is denied to an ordinary user, who is told why and what to do.", async (context) => {
  const floor = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  const port = 999;
  if (process.platform !== "linux") return context.skip("other systems let every user listen there");
  if (existsSync(floor) && Number(readFileSync(floor, "utf8")) <= port) return context.skip("this kernel allows it");
  const isRoot = process.getuid?.() === 0;
  const denied = isRoot
    ? await attemptAsNobody("127.0.0.1", port).catch((error: unknown) => String(error))
    : await refusal("127.0.0.1", port);
  if (typeof denied === "string") return context.skip(`nobody cannot run it here: ${denied}`);
  assert.equal(denied.code, "listen.denied");
  assert.equal(denied.message, "cannot listen on 127.0.0.1:999: permission denied");
  assert.match(denied.hint ?? "", /ports below 1024 belong to root/);
});

async function refusal(host: string, port: number): Promise<PorthopError> {
  const result = await listenTcp({ host, port }, () => {}).then(
    (listener) => listener.close(),
    (error: unknown) => error,
  );
  assert.ok(result instanceof PorthopError, `listening on ${host}:${port} gave ${String(result)}`);
  return result;
}
