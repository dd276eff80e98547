/** Programs as people use them, through the executable: a database's client, and fetching as a browser does it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { startResident } from "../kit/resident-program.ts";
import { run } from "../kit/run.ts";
import { freePort, httpServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";
import { openProxy } from "./proxy.ts";
import { openRemote } from "./remote-tunnel.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "curl"), timeout: 60_000 };
const withRedis = { ...limits, skip: limits.skip || need("redis-server", "redis-cli") };
const theSshd = shared(() => startSshd());
const theRedis = shared(() => startRedis());

test(
  "redis-cli talks to a redis-server through -L: values small and large, and ten thousand commands at once.",
  withRedis,
  async () => {
    await using tunnel = await openTunnel(await theSshd(), [await theRedis()]);
    const redis = (...args: string[]) => run("redis-cli", ["-p", String(tunnel.port), ...args]);
    assert.deepEqual((await redis("set", "a key", "a value")).stdout, "OK\n");
    assert.deepEqual((await redis("get", "a key")).stdout, "a value\n");
    const commands = Array.from({ length: 10_000 }, (_, index) => `INCRBY sum ${index}\r\n`).join("");
    const piped = await run("redis-cli", ["-p", String(tunnel.port), "--pipe"], { input: commands });
    assert.match(piped.stdout, /errors: 0, replies: 10000/);
    assert.equal((await redis("get", "sum")).stdout, `${(9_999 * 10_000) / 2}\n`);
    const large = "x".repeat(5_000_000);
    const set = await run("redis-cli", ["-p", String(tunnel.port), "-x", "set", "large"], { input: large });
    assert.equal(set.stdout, "OK\n");
    assert.equal((await redis("get", "large")).stdout, `${large}\n`);
    assert.equal((await tunnel.stop()).code, 0);
  },
);

test(
  "Fifty clients of redis-benchmark at a time get all their answers through -L and through -R.",
  withRedis,
  async () => {
    const redis = await theRedis();
    await using local = await openTunnel(await theSshd(), [redis]);
    await using remote = await openRemote(await theSshd(), [redis]);
    for (const port of [local.port, remote.port()]) {
      const args = ["-p", String(port), "-c", "50", "-n", "3000", "-t", "set,get", "-q"];
      const { code, stdout, stderr } = await run("redis-benchmark", args);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, /SET: [\d.]+ requests per second.*GET: [\d.]+ requests per second/s);
    }
  },
);

test(
  "A page and its hundred parts are fetched thirty at a time, through -L, -D, -R and a reverse proxy.",
  limits,
  async () => {
    const body = "0123456789abcdef".repeat(8192);
    await using web = await httpServer(body);
    const sshd = await theSshd();
    await using local = await openTunnel(sshd, [web]);
    await using remote = await openRemote(sshd, [web]);
    await using dynamic = await openProxy(sshd);
    await using reverse = await openProxy(sshd, { flag: "-R" });
    const direct = `http://127.0.0.1:${web.port}`;
    for (const [what, base, flags] of [
      ["-L", `http://127.0.0.1:${local.port}`, []],
      ["-R", `http://127.0.0.1:${remote.port()}`, []],
      ["-D", direct, ["--socks5-hostname", `127.0.0.1:${dynamic.port}`]],
      ["-D by CONNECT", direct, ["--proxytunnel", "-x", `http://127.0.0.1:${dynamic.port}`]],
      ["-D by http_proxy", direct, ["-x", `http://127.0.0.1:${dynamic.port}`]],
      ["-R as a proxy", direct, ["--socks5-hostname", `127.0.0.1:${reverse.port}`]],
    ] as const) {
      const fetching = ["-sS", "--parallel", "--parallel-max", "30", "--no-keepalive", ...flags];
      const written = ["-w", "%{http_code} %{size_download}\n", "-o", "/dev/null"];
      const { code, stdout, stderr } = await run("curl", [...fetching, ...written, `${base}/part/[1-100]`]);
      assert.equal(code, 0, `${what}: ${stderr}`);
      const answers = stdout.trim().split("\n");
      assert.deepEqual([answers.length, [...new Set(answers)]], [100, [`200 ${body.length}`]], what);
    }
  },
);

async function startRedis() {
  const port = await freePort();
  const words = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const folder = ["--dir", tempDirectory("redis")];
  const redis = await startResident("redis-server", [...words, ...folder], /Ready to accept connections/);
  return {
    host: "127.0.0.1",
    port,
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}
