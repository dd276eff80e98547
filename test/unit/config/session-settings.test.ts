import assert from "node:assert/strict";
import { test } from "node:test";
import { currentUser } from "../../../src/config/current-user.ts";
import { readRunSettings } from "../../../src/config/run-settings.ts";
import { sessionSettings } from "../../../src/config/session-settings.ts";

const session = (...words: string[]) => sessionSettings(readRunSettings([...words, "vishnu"]));

/** -o Keyword=value for each. */
const o = (...lines: string[]) => lines.flatMap((line) => ["-o", line]);

test("Without any setting a session is as ssh's, but a dead network is noticed.", () => {
  const { algorithms, ...rest } = session();
  assert.deepEqual(rest, {
    host: "vishnu",
    port: 22,
    user: currentUser(),
    family: undefined,
    from: undefined,
    fromInterface: undefined,
    attempts: 1,
    tcpKeepAlive: true,
    connectTimeoutMs: undefined,
    handshakeTimeoutMs: 30_000,
    loginSilenceMs: 150_000,
    keepAliveIntervalMs: 15_000,
    keepAliveCountMax: 3,
    rekey: { bytes: 0, intervalMs: 0 },
  });
  assert.deepEqual(algorithms, {
    ciphers: undefined,
    macs: undefined,
    kex: undefined,
    hostKeyAlgorithms: undefined,
    compression: false,
  });
});

test("Flags and keywords fill the session in.", () => {
  const filled = session(
    ...["-p", "2222", "-l", "anna", "-b", "10.0.0.7", "-B", "eth0", "-6", "-C", "-c", "aes128-ctr", "-m", "hmac-sha1"],
    ...o("ConnectTimeout=1m", "ServerAliveInterval=5", "ServerAliveCountMax=7", "KexAlgorithms=curve25519-sha256"),
    ...o("HostName=10.0.0.2", "ConnectionAttempts=3", "TCPKeepAlive=no", "HostKeyAlgorithms=ssh-ed25519"),
    ...o("RekeyLimit=1M 30s"),
  );
  assert.deepEqual(filled, {
    host: "10.0.0.2",
    port: 2222,
    user: "anna",
    family: 6,
    from: "10.0.0.7",
    fromInterface: "eth0",
    attempts: 3,
    tcpKeepAlive: false,
    connectTimeoutMs: 60_000,
    handshakeTimeoutMs: 60_000,
    loginSilenceMs: 150_000,
    keepAliveIntervalMs: 5000,
    keepAliveCountMax: 7,
    rekey: { bytes: 1_048_576, intervalMs: 30_000 },
    algorithms: {
      ciphers: "aes128-ctr",
      macs: "hmac-sha1",
      kex: "curve25519-sha256",
      hostKeyAlgorithms: "ssh-ed25519",
      compression: true,
    },
  });
});

test("A RekeyLimit of a year is as long as a timer can wait.", () => {
  assert.deepEqual(session(...o("RekeyLimit=default 52w")).rekey, { bytes: 0, intervalMs: 2 ** 31 - 1 });
});

test("AddressFamily is any, inet or inet6.", () => {
  assert.equal(session("-4").family, 4);
  assert.equal(session(...o("AddressFamily=INET6")).family, 6);
  assert.equal(session(...o("AddressFamily=any")).family, undefined);
});

test("A time of 0 or none is no time-out and no keep-alive, and a silent server is given up all the same.", () => {
  for (const value of ["0", "none"]) {
    const words = o(`ConnectTimeout=${value}`, `ServerAliveInterval=${value}`);
    const { connectTimeoutMs, handshakeTimeoutMs, keepAliveIntervalMs } = session(...words);
    assert.deepEqual([connectTimeoutMs, handshakeTimeoutMs, keepAliveIntervalMs], [undefined, 30_000, 0], value);
  }
});

test("A ProxyCommand, which may ask its own questions first, has longer.", () => {
  const times = (...words: string[]) => {
    const { connectTimeoutMs, handshakeTimeoutMs } = session(...o("ProxyCommand=nc %h %p"), ...words);
    return [connectTimeoutMs, handshakeTimeoutMs];
  };
  assert.deepEqual(times(), [120_000, 120_000]);
  assert.deepEqual(times(...o("ConnectTimeout=5")), [5000, 5000]);
});
