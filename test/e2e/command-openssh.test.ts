/**
 * What `porthop command` prints, given to a shell as it stands: OpenSSH with a real sshd carries bytes by it, one command of
 * each kind. Beside command-line.test.ts, where `ssh -G` only reads the lines.
 */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { run } from "../kit/run.ts";
import { freePort, httpServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { jumpOf } from "./jump-way.ts";

const executable = builtExecutable();
const limits = { timeout: 60_000, skip: need("sshd", "ssh-keygen", "ssh", "curl") };
const folder = tempDirectory("openssh");
after(() => removeTemp(folder));
const theSshd = shared(() => startSshd());
const theWeb = shared(() => httpServer("the page\n"));

interface Kind {
  readonly name: string;
  /** The flags, and how curl gets to the page through them. */
  readonly make: (target: number) => Promise<{ readonly flags: readonly string[]; readonly curl: readonly string[] }>;
}

const kinds: readonly Kind[] = [
  {
    name: "-L",
    make: async (target) => {
      const port = await freePort();
      return { flags: ["-L", `${port}:localhost:${target}`], curl: [`http://127.0.0.1:${port}/`] };
    },
  },
  {
    name: "-R",
    make: async (target) => {
      const port = await freePort();
      return { flags: ["-R", `${port}:127.0.0.1:${target}`], curl: [`http://127.0.0.1:${port}/`] };
    },
  },
  {
    name: "-D",
    make: async (target) => {
      const port = await freePort();
      return {
        flags: ["-D", String(port)],
        curl: ["-x", `socks5h://127.0.0.1:${port}`, `http://127.0.0.1:${target}/`],
      };
    },
  },
  {
    name: "-R without a target",
    make: async (target) => {
      const port = await freePort();
      return {
        flags: ["-R", String(port)],
        curl: ["-x", `socks5h://127.0.0.1:${port}`, `http://127.0.0.1:${target}/`],
      };
    },
  },
  {
    name: "-L from a unix socket with a blank and a quote in its name",
    make: (target) => {
      const path = join(folder, "it's a.sock");
      const flags = ["-L", `${path}:127.0.0.1:${target}`];
      return Promise.resolve({ flags, curl: ["--unix-socket", path, "http://localhost/"] });
    },
  },
];

for (const { name, make } of kinds) {
  for (const jumps of name === "-L" ? [0, 1] : [0]) {
    test(`${name}${jumps === 0 ? "" : " through -J"}: curl gets the page.`, limits, async () => {
      const web = await theWeb();
      // What went to the background ends with its sshd.
      await using sshd = await startSshd();
      const jump = jumps === 0 ? undefined : await theSshd();
      const { flags, curl } = await make(web.port);
      const way = jump === undefined ? [] : ["-J", jumpOf(jump)];
      const file = configFor([sshd, ...(jump === undefined ? [] : [jump])]);
      const line = await lineFor(["-f", "-F", file, "-o", "ExitOnForwardFailure=yes", ...way, ...flags, uriOf(sshd)]);
      const log = join(folder, "ssh.log");
      // It goes to the background once the forward is there.
      const { code } = await run("sh", ["-c", `${line} >'${log}' 2>&1 </dev/null`]);
      assert.equal(code, 0, `${line}\n${readFileSync(log, "utf8")}`);
      const { stdout, stderr } = await run("curl", ["-sS", "--max-time", "20", ...curl]);
      assert.equal(stdout, "the page\n", `${line}\n${stderr}`);
    });
  }
}

test("-L to a unix socket of the server: what its program says comes through.", limits, async () => {
  await using sshd = await startSshd();
  const path = join(folder, "target.sock");
  const server = createServer((socket) => void socket.end("from the socket\n"));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const port = await freePort();
  const line = await lineFor(["-f", "-F", configFor([sshd]), "-L", `${port}:${path}`, uriOf(sshd)]);
  assert.equal((await run("sh", ["-c", `${line} >/dev/null 2>&1 </dev/null`])).code, 0);
  assert.equal(await text(createConnection({ host: "127.0.0.1", port })), "from the socket\n");
  await new Promise((resolve) => server.close(resolve));
});

test("-W: stdin and stdout are the connection.", limits, async () => {
  const [sshd, web] = [await theSshd(), await theWeb()];
  const line = await lineFor(["-F", configFor([sshd]), "-W", `127.0.0.1:${web.port}`, uriOf(sshd)]);
  const request = "GET / HTTP/1.0\\r\\nConnection: close\\r\\n\\r\\n";
  const { stdout, stderr } = await run("sh", ["-c", `printf '${request}' | ${line}`]);
  assert.match(stdout, /\r\n\r\nthe page\n$/, stderr);
});

test(
  "A Host that has forwards: by ssh's line, by a Host of another name and by porthop's own curl gets the page.",
  limits,
  async () => {
    const web = await theWeb();
    for (const way of ["ssh", "config", "porthop"] as const) {
      await using sshd = await startSshd();
      const port = await freePort();
      const file = configFor([sshd]);
      const host = `Host prod\n  HostName ${sshd.host}\n  Port ${sshd.port}\n  User ${sshd.user}\n  LocalForward ${port} localhost:${web.port}\n`;
      // A Host block ends at the next one: the lines for all hosts come first.
      appendFileSync(file, host);
      const line = await lineFor(["--format", way, "-F", file, "prod"]);
      if (way === "config") {
        // Without a line for the known hosts of that file, which holds for the block's own name too where it is read.
        const block = join(tempDirectory("block"), "config");
        writeFileSync(block, `${readFileSync(file, "utf8").split("Host prod")[0]}${line}\n`, { mode: 0o600 });
        await curled(`ssh -f -F ${block} prod-tunnel`, port);
      } else if (way === "ssh") {
        assert.equal(line, `ssh -N -F ${file} -o ExitOnForwardFailure=yes prod`);
        await curled(line.replace("ssh ", "ssh -f "), port);
      } else {
        assert.equal(line, `porthop run -F ${file} prod`);
        await curled(line.replace("porthop run", `${executable} run -f --reconnect never`), port);
      }
    }
  },
);

/** Whether the page comes through the forward once the line has gone to the background. */
async function curled(line: string, port: number): Promise<void> {
  const log = join(folder, "prod.log");
  const { code } = await run("sh", ["-c", `${line} >'${log}' 2>&1 </dev/null`]);
  assert.equal(code, 0, `${line}\n${readFileSync(log, "utf8")}`);
  const { stdout, stderr } = await run("curl", ["-sS", "--max-time", "20", `http://127.0.0.1:${port}/`]);
  assert.equal(stdout, "the page\n", `${line}\n${stderr}\n${readFileSync(log, "utf8")}`);
}

interface Known {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly keyFile: string;
  readonly knownHostsFile: string;
}

function uriOf(sshd: Known): string {
  return `ssh://${sshd.user}@${sshd.host}:${sshd.port}`;
}

/** A jump host of ssh's reads the file of -F too, but takes no -i and no -o. */
function configFor(sshds: readonly Known[]): string {
  const file = join(tempDirectory("config"), "config");
  const files = sshds.map(({ knownHostsFile }) => knownHostsFile).join(" ");
  const identities = sshds.map(({ keyFile }) => `IdentityFile ${keyFile}\n`).join("");
  const settings = "GlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\nIdentitiesOnly yes\nBatchMode yes\n";
  writeFileSync(file, `UserKnownHostsFile ${files}\n${identities}${settings}`, { mode: 0o600 });
  return file;
}

async function lineFor(words: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await run(executable, ["command", ...words]);
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout.trimEnd();
}
