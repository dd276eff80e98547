/** What a plugin from a file can do in the executable: the toolkit, decisions, keys that decrypt a capture. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { connectTo, echoes, playTarget } from "../kit/tcp-end.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { timeout: 60_000 };
const folder = tempDirectory("plugin-contract");
after(() => removeTemp(folder));

/** A plugin's file with this text. */
function plugin(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test(
  "A file's function is handed the toolkit by the executable, and its delay line costs no bandwidth.",
  limits,
  async () => {
    const path = plugin(
      "slow.ts",
      `export default ({ definePlugin, delayLine, formatBytes, formatDuration, formatAddress, visible }) => definePlugin({
      name: "slow", about: "x", porthop: 1,
      setup(host) {
        host.log.info([formatBytes(1234), formatDuration(90_000), formatAddress({ host: "::1", port: 1 }), visible("\\x1b")].join(" "));
        return (flow, next) => {
          flow.down.pipe((chunks) => delayLine(chunks, 100));
          return next();
        };
      },
    });`,
    );
    await using echo = await echoServer();
    const port = await freePort();
    const args = ["relay", "--json", "--use", path, "-L", `127.0.0.1:${port}:127.0.0.1:${echo.port}`];
    await using program = porthop(args);
    await program.stderr(/slow: 1\.2 KB 1m30s \[::1\]:1 \\x1b/);
    await program.event("ready");
    await using client = await connectTo(port);
    const start = performance.now();
    // 100 ms for each of its chunks, of 64 KiB at most, would be more than 10 s.
    await client.send(Array.from({ length: 128 }, () => new Uint8Array(64 * 1024)));
    client.end();
    assert.deepEqual((({ bytes, ended }) => [bytes, ended])(await client.received), [8 * 1024 * 1024, true]);
    const ms = performance.now() - start;
    assert.ok(ms >= 99 && ms < 5_000, `${ms} ms`);
  },
);

test("A plugin that ends a flow resets both ends, which is told as its decision and as no error.", limits, async () => {
  const path = plugin(
    "cut.ts",
    `export default { name: "cut", about: "x", setup: () => (flow, next) => {
      let bytes = 0;
      flow.up.tap((chunk) => { bytes += chunk.byteLength; if (bytes > 5) flow.abort("more than 5 bytes\\x1b[2J"); });
      return next();
    } };`,
  );
  await using target = await playTarget();
  const port = await freePort();
  await using program = porthop(["relay", "--json", "--use", path, "-L", `127.0.0.1:${port}:127.0.0.1:${target.port}`]);
  await program.event("ready");
  await using client = await connectTo(port);
  await client.send("hello");
  const far = await target.accepted();
  await far.got(5);
  await client.send("!");
  assert.deepEqual(
    [(await client.received).ended, (await far.received).ended],
    [false, false],
    "resets, no clean ends",
  );
  const closed = await program.event("flow.close");
  assert.deepEqual([closed["reason"], closed["by"], closed["up"]], ["aborted", "plugin:cut", 5]);
  await program.stderr(/log: L1#1 .*, aborted: plugin cut ended this flow: more than 5 bytes\\x1b\[2J\n/);
  program.signal("SIGTERM");
  const { code, stderr } = await program.exit;
  assert.equal(code, 0);
  assert.equal(stderr.includes("[cancelled]") || stderr.includes("porthop: "), false, stderr);
  assert.equal(
    program.events.some(({ event }) => event === "error"),
    false,
  );
});

/** Writes the key lines of all sessions into the file. */
function keyWriter(file: string): string {
  return plugin(
    "keylog.ts",
    `import { appendFileSync } from "node:fs";
    export default { name: "keylog", about: "x", setup(host) {
      host.keys((line) => appendFileSync(${JSON.stringify(file)}, line + "\\n", { mode: 0o600 }));
      return (_flow, next) => next();
    } };`,
  );
}

/** How often the text that went through the tunnel and back is read in the capture with these keys. */
async function readsIn(capture: string, sshd: Sshd, keys: string | undefined): Promise<number> {
  const read = ["-d", `tcp.port==${sshd.port},ssh`, "-Y", "ssh.message_code==94", "-T", "fields", "-e", "ssh.payload"];
  const said = Buffer.from("hello from the origin").toString("hex");
  const having = keys === undefined ? [] : ["-o", `ssh.keylog_file:${keys}`];
  return (await tshark(capture, [...having, ...read])).lines.join().split(said).length - 1;
}

/** A session that carries the text up and down, with its capture and its key lines. */
async function recordSession(sshd: Sshd, words: readonly string[], path: string) {
  const [keys, capture] = [`${path}.log`, `${path}.pcapng`];
  await using echo = await echoServer();
  const args = [...words, "--use", keyWriter(keys), "--capture", capture];
  await using tunnel = await openTunnel(sshd, [echo], { args });
  await using client = await tunnel.connect();
  await client.send("hello from the origin");
  client.end();
  await client.received;
  await tunnel.program.event("flow.close");
  const { stderr } = await tunnel.stop();
  return { capture, keys, stderr, lines: readFileSync(keys, "utf8") };
}

/** One secret of X25519 in 256 has less than 32 bytes. */
function startsWithZero(lines: string): boolean {
  return (/SHARED_SECRET (\w+)/.exec(lines)?.[1] ?? "").length < 64;
}

for (const openssh of opensshes()) {
  for (const [what, words, costs] of [
    ["with nothing said", [], "no post-quantum key exchange"],
    [
      "with a list and -C",
      ["-o", "KexAlgorithms=+ecdh-sha2-nistp256", "-C"],
      "no post-quantum key exchange and no compression",
    ],
    ["with ciphers in another order", ["-c", "aes256-ctr,aes128-gcm@openssh.com"], "no post-quantum key exchange"],
    ["where nothing is given up", ["-o", "KexAlgorithms=curve25519-sha256"], undefined],
  ] as const) {
    test(`The key lines that a plugin is given decrypt leg 2 of a capture with sshd ${openssh.version}, ${what}.`, {
      ...limits,
      skip: need("sshd", "ssh-keygen", "tshark"),
    }, async () => {
      await using sshd = await startSshd({ openssh });
      const name = `keys-${openssh.version}-${words.length}-${costs?.length}`;
      let recorded = await recordSession(sshd, words, join(folder, name));
      // Wireshark 4.0 hashes a secret with the zero byte in front of it, which RFC 4251, section 5 leaves out of an mpint.
      for (let again = 1; startsWithZero(recorded.lines); again++) {
        recorded = await recordSession(sshd, words, join(folder, `${name}-${again}`));
      }
      const { capture, keys, lines, stderr } = recorded;
      assert.match(lines, /^([0-9a-f]{32}) [0-9a-f]{64}\n\1 SHARED_SECRET [0-9a-f]+\n$/);
      assert.equal(await readsIn(capture, sshd, keys), 2, "up, and down");
      assert.equal(await readsIn(capture, sshd, undefined), 0);
      const told = /is one that Wireshark can decrypt with its keys: (.*)$/m.exec(stderr)?.[1];
      assert.equal(told, costs, stderr);
    });
  }
}

test(
  "With a server that takes nothing that Wireshark decrypts, who asks for keys is told so, and connected.",
  limits,
  async () => {
    const kex = "sntrup761x25519-sha512@openssh.com";
    await using sshd = await startSshd({ config: [`KexAlgorithms ${kex}`] });
    await using echo = await echoServer();
    const args = ["--use", keyWriter(join(folder, "unreadable.log"))];
    await using tunnel = await openTunnel(sshd, [echo], { args });
    assert.equal(await echoes(tunnel.port), true);
    const { stderr } = await tunnel.stop();
    assert.match(stderr, new RegExp(`agrees on ${kex} only: Wireshark cannot decrypt this session`));
  },
);
