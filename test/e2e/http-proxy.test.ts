/** The proxy's port as http_proxy: programs that know no SOCKS fetch pages of http:// through it, and say what they want. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { payloadOf } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { findTool, need } from "../kit/packages.ts";
import { bytes } from "../kit/proxy-bytes.ts";
import { randomBytes, sha256 } from "../kit/random.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort, httpServer, serve } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { openProxy, type RunningProxy } from "./proxy.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "curl", "tshark"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const theProxy = shared(async () => openProxy(await theSshd()));
const theReverse = shared(async () => openProxy(await theSshd(), { flag: "-R" }));

for (const [flag, proxyOf] of [
  ["-D", theProxy],
  ["-R", theReverse],
] as const) {
  test(
    `curl with http_proxy gets pages of two hosts through ${flag}, and each host gets its own.`,
    limits,
    async () => {
      await using first = await mirror();
      await using second = await mirror();
      const urls = [first, second, first].map(({ port }, index) => `http://127.0.0.1:${port}/page-${index}?q=1`);
      const got = await curl(await proxyOf(), ["-H", "Proxy-Authorization: Basic c2VjcmV0", ...urls]);
      assert.equal(got.code, 0, got.stderr);
      const answers = mirrored(got.stdout);
      assert.deepEqual(
        answers.map(({ url, headers }) => [url, headers["host"], headers["connection"]]),
        [first, second, first].map(({ port }, index) => [`/page-${index}?q=1`, `127.0.0.1:${port}`, "close"]),
      );
      for (const { headers } of answers) assert.doesNotMatch(Object.keys(headers).join(), /proxy/);
      assert.deepEqual([first.accepted, second.accepted], [2, 1]);
    },
  );

  test(
    `curl sends bodies through ${flag} whole: of known length, in chunks, and after 100 Continue.`,
    limits,
    async () => {
      await using web = await mirror();
      const body = randomBytes(3_000_000, 5);
      const url = `http://localhost:${web.port}/up`;
      for (const flags of [
        ["--data-binary", "@-"],
        ["-T", "-"],
        ["-T", "-", "-H", "Expect: 100-continue", "--expect100-timeout", "30"],
      ]) {
        const got = await curl(await proxyOf(), [...flags, url], body);
        const [answer] = mirrored(got.stdout);
        assert.deepEqual([got.code, answer?.sum], [0, sha256(body)], `${flags.join(" ")}: ${got.stderr}`);
      }
    },
  );
}

test(
  "A target that is not to be had is told in HTTP with the leg that failed, and HEAD has no body.",
  limits,
  async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const get = await curl(await theProxy(), ["-i", url]);
    assert.match(
      get.stdout,
      /^HTTP\/1\.1 502 Bad Gateway\r\n.*\r\n\r\nleg 3: the target 127\.0\.0\.1:\d+ refused the connection from the server\n$/s,
    );
    const head = await curl(await theProxy(), ["-I", url]);
    assert.match(head.stdout, /^HTTP\/1\.1 502 .*Connection: close\r\n\r\n$/s);
    const name = await curl(await theProxy(), ["-i", "http://no-such-host.invalid/"]);
    assert.match(name.stdout, /^HTTP\/1\.1 502 .*leg 3: /s);
    await using sshd = await startSshd({ config: ["AllowTcpForwarding no"] });
    await using closed = await openProxy(sshd);
    assert.match((await curl(closed, ["-i", url])).stdout, /^HTTP\/1\.1 403 Forbidden\r\n.*leg 2: /s);
  },
);

test("A second request on the same connection never reaches the first host, pipelined or late.", limits, async () => {
  const heard: string[] = [];
  // It keeps its connections open, whatever it is asked.
  await using stubborn = await serve({}, (socket) => {
    socket.on("data", (chunk: Uint8Array) => {
      heard.push(Buffer.from(chunk).toString("latin1"));
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi");
    });
    socket.on("end", () => socket.end());
  });
  const proxy = await theProxy();
  await using client = await connectTo(proxy.port);
  const secret = "GET http://other.invalid/ HTTP/1.1\r\nHost: other.invalid\r\nCookie: secret\r\n\r\n";
  await client.send([bytes([], `GET http://127.0.0.1:${stubborn.port}/ HTTP/1.1\r\nHost: x\r\n\r\n${secret}`)]);
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
  await client.got(answer.length);
  assert.equal(client.text, answer, "the client is told that this connection is over");
  await client.send(secret);
  client.end();
  await client.received;
  assert.equal(heard.join(""), `GET / HTTP/1.1\r\nHost: 127.0.0.1:${stubborn.port}\r\nConnection: close\r\n\r\n`);
});

test("A WebSocket is opened through the proxy in clear, and carries what it likes both ways.", limits, async () => {
  await using web = await mirror();
  await using client = await connectTo((await theProxy()).port);
  const fields = "Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";
  await client.send(`GET http://127.0.0.1:${web.port}/ws HTTP/1.1\r\n${fields}`);
  const yes = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  await client.got(yes.length);
  await client.send("GET http://not-a-request/ HTTP/1.1\r\n\r\n");
  client.end();
  await client.received;
  assert.equal(client.text, `${yes}GET http://not-a-request/ HTTP/1.1\r\n\r\n`);
});

test("The capture shows on leg 1 what the client said, and on leg 3 what the target got.", limits, async () => {
  await using target = await echoServer();
  await using program = await openProxy(await theSshd(), { args: ["--capture", "out.pcapng"] });
  const request = `GET http://localhost:${target.port}/a HTTP/1.1\r\nHost: b\r\nProxy-Connection: x\r\n\r\n`;
  {
    await using client = await connectTo(program.port);
    await client.send(request);
    client.end();
    await client.received;
  }
  await program.event("flow.close");
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
  const file = `${program.home}/out.pcapng`;
  const sum = (content: string) => ({ bytes: content.length, sha256: sha256(Buffer.from(content)) });
  const written = `GET /a HTTP/1.1\r\nHost: localhost:${target.port}\r\nConnection: close\r\n\r\n`;
  assert.deepEqual(await payloadOf(file, "leg1-app-listener", "up"), sum(request));
  assert.deepEqual(await payloadOf(file, "leg3-sshd-target", "up"), sum(written));
  assert.deepEqual(await payloadOf(file, "leg1-app-listener", "down"), sum(written), "an echo is no HTTP answer");
});

test("wget fetches two pages of two servers with http_proxy.", {
  ...limits,
  skip: limits.skip || need("wget"),
}, async () => {
  await using first = await httpServer("one\n");
  await using second = await httpServer("two\n");
  const urls = [first, second, first].map(({ port }) => `http://127.0.0.1:${port}/`);
  const got = await run("wget", ["-q", "-O", "-", ...urls], { env: proxied((await theProxy()).port) });
  assert.deepEqual([got.code, got.stdout], [0, "one\ntwo\none\n"], got.stderr);
});

test("git clones and pushes over http with the proxy.", { ...limits, skip: limits.skip || need("git") }, async () => {
  const folder = tempDirectory("git");
  await using web = await gitServer(folder);
  const at = `http.proxy=http://127.0.0.1:${(await theProxy()).port}`;
  const git = async (...args: string[]) => {
    const env = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
    const who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.version=2"];
    const done = await run("git", [...who, ...args], { env });
    assert.equal(done.code, 0, done.stderr);
    return done.stdout.trim();
  };
  await git("init", "-q", "--bare", join(folder, "r.git"));
  await git("-C", join(folder, "r.git"), "config", "http.receivepack", "true");
  const url = `http://127.0.0.1:${web.port}/r.git`;
  for (const [name, log] of [
    ["first", "1"],
    ["second", "2"],
  ] as const) {
    const clone = join(folder, name);
    await git("-c", at, "clone", "-q", url, clone);
    // More than git sends in one piece of known length (http.postBuffer).
    writeFileSync(join(clone, name), randomBytes(2_000_000));
    await git("-C", clone, "add", name);
    await git("-C", clone, "commit", "-q", "-m", name);
    await git("-C", clone, "-c", at, "push", "-q", "origin", "HEAD");
    assert.equal(await git("-C", join(folder, "r.git"), "rev-list", "--count", "--all"), log);
  }
});

function curl(proxy: RunningProxy, args: readonly string[], input?: Uint8Array) {
  return run("curl", ["-sS", ...args], { env: proxied(proxy.port), ...(input === undefined ? {} : { input }) });
}

/** The environment of a program that takes this proxy, whatever this machine's own proxies are. */
function proxied(port: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: tempDirectory("home"),
    http_proxy: `http://127.0.0.1:${port}`,
    no_proxy: "",
  };
}

interface Mirrored {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sum: string;
}

function mirrored(lines: string): readonly Mirrored[] {
  return lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Mirrored);
}

/** A web server that says what it was asked, and echoes over a WebSocket without frames. */
function mirror() {
  return listen(async (request, response) => {
    const hash = createHash("sha256");
    for await (const chunk of request) hash.update(chunk as Uint8Array);
    response.end(`${JSON.stringify({ url: request.url, headers: request.headers, sum: hash.digest("hex") })}\n`);
  });
}

/** git's own server, as a web server would start it for each request (CGI). */
function gitServer(folder: string) {
  return listen(async (request, response) => {
    const { pathname, search } = new URL(request.url ?? "/", "http://localhost");
    const program = spawn(findTool("git") ?? "git", ["http-backend"], {
      env: {
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: pathname,
        QUERY_STRING: search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: String(request.headers["content-encoding"] ?? ""),
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
        ...(request.headers["content-length"] === undefined
          ? {}
          : { CONTENT_LENGTH: request.headers["content-length"] }),
      },
    });
    request.pipe(program.stdin);
    const parts: Uint8Array[] = [];
    for await (const chunk of program.stdout) parts.push(chunk as Uint8Array);
    const all = Buffer.concat(parts);
    const end = all.indexOf("\r\n\r\n");
    const fields = all.subarray(0, end).toString("latin1").split("\r\n");
    const status = fields.find((field) => field.startsWith("Status: "))?.slice(8, 11) ?? "200";
    for (const field of fields) {
      const [name = "", value = ""] = field.split(": ");
      if (name !== "Status") response.setHeader(name, value);
    }
    response.writeHead(Number(status)).end(all.subarray(end + 4));
  });
}

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>) {
  let accepted = 0;
  const server = createServer((request, response) => void answer(request, response));
  server.on("connection", () => accepted++);
  server.on("upgrade", (_request, socket, head) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.write(head);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
