/**
 * What revokes a host key: a line that names the key, its certificate, another certificate of it, or the authority's key,
 * in RevokedHostKeys and in known_hosts. Each row goes to ssh and to porthop, and both have to say the same.
 */
import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certificates.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { makeKey, type Sshd, startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen"), timeout: 120_000 };
const directory = tempDirectory("revoked");
after(() => removeTemp(directory));
let made = 0;

/** An sshd with one host key that has a certificate, and another sshd with the same key and no certificate. */
const theServers = shared(async () => {
  const authority = makeKey(join(directory, "authority"));
  const certified = await startSshd();
  const hostKey = join(certified.directory, "host_ed25519");
  const certificate = await certify(hostKey, { authority, host: true, principals: ["127.0.0.1"] });
  const plain = await startSshd({ config: [`HostKey ${hostKey}`] });
  for (const [sshd, line] of [
    [certified, `HostCertificate ${certificate}`],
    [plain, ""],
  ] as const) {
    const config = readFileSync(sshd.configFile, "utf8");
    const only = config.replaceAll(/^HostKey .*\n/gm, "");
    writeFileSync(sshd.configFile, `HostKey ${hostKey}\n${line}\n${only}`);
    await sshd.stop();
    await sshd.start();
  }
  return {
    shown: { key: plain, certificate: certified },
    names: await lines(hostKey, authority),
    async [Symbol.asyncDispose]() {
      await certified[Symbol.asyncDispose]();
      await plain[Symbol.asyncDispose]();
    },
  };
});

/** What a line can name, each as `type base64`. */
async function lines(hostKey: string, authority: string) {
  const copy = (file: string, name: string) => {
    copyFileSync(`${file}.pub`, join(directory, `${name}.pub`));
    return join(directory, name);
  };
  const options = { authority, host: true, principals: ["127.0.0.1"] };
  const stranger = makeKey(join(directory, "stranger"));
  const own = readFileSync(`${hostKey}-cert.pub`, "utf8");
  const certified = async (file: string, name: string, more = {}) =>
    readFileSync(await certify(copy(file, name), { ...options, ...more }), "utf8");
  return {
    "the key": readFileSync(`${hostKey}.pub`, "utf8"),
    "its certificate": own,
    "another certificate of the key": await certified(hostKey, "other", {
      authority: stranger,
      host: false,
      validity: "20200101:20200102",
    }),
    "the authority": readFileSync(`${authority}.pub`, "utf8"),
    "a certificate of the authority": await certified(authority, "ca", { authority: stranger }),
    "another key": readFileSync(`${stranger}.pub`, "utf8"),
    "a certificate of another key by the same authority": await certified(stranger, "strange"),
  };
}

type Name = keyof Awaited<ReturnType<typeof lines>>;

const refusing: Readonly<Record<"key" | "certificate", readonly Name[]>> = {
  key: ["the key", "its certificate", "another certificate of the key"],
  certificate: [
    "the key",
    "its certificate",
    "another certificate of the key",
    "the authority",
    "a certificate of the authority",
  ],
};

/** Where a line can stand: gives the flags that lead there. */
const places: Readonly<Record<string, (line: string, known: string, sshd: Sshd) => Promise<string[]> | string[]>> = {
  RevokedHostKeys: (line) => ["-o", `RevokedHostKeys=${file(`# retired\n\n${line}`)}`],
  "known_hosts of the user": (line, known) => {
    appendFileSync(known, `@revoked * ${line}`);
    return [];
  },
  "known_hosts of all": (line) => ["-o", `GlobalKnownHostsFile=${file(`@revoked * ${line}`)}`],
  "a hashed line": async (line, known, { host, port }) => {
    const hashed = file(`[${host}]:${port} ${line}`);
    assert.equal((await run("ssh-keygen", ["-q", "-H", "-f", hashed])).code, 0);
    appendFileSync(known, `@revoked ${readFileSync(hashed, "utf8")}`);
    return [];
  },
  "a line of another host": (line, known) => {
    appendFileSync(known, `@revoked vishnu.example,!127.0.0.1,127.0.0.1 ${line}`);
    return [];
  },
};

for (const shown of ["key", "certificate"] as const) {
  for (const [place, put] of Object.entries(places)) {
    test(
      `A host that shows its ${shown} is refused where ssh refuses it, whatever certificate names the key in ${place}.`,
      limits,
      async () => {
        const servers = await theServers();
        const sshd = servers.shown[shown];
        for (const [name, line] of Object.entries(servers.names)) {
          const known = file(knownHere(servers.names, sshd));
          const revoked = refusing[shown].includes(name as Name) && place !== "a line of another host";
          await agree(sshd, known, await put(line, known, sshd), revoked ? "ssh.host-key-revoked" : undefined, name);
        }
      },
    );
  }
}

test(
  "The error of a key that a certificate revokes names the line, and that the key stands in a certificate.",
  limits,
  async () => {
    const { shown, names } = await theServers();
    const list = file(`# retired\n${names["another certificate of the key"]}`);
    const known = file(`${knownHere(names, shown.key)}@revoked * ${names["its certificate"]}`);
    const inList = await both(shown.key, known, ["-o", `RevokedHostKeys=${list}`]);
    assert.ok(
      inList.porthop.stderr.includes(`is in RevokedHostKeys: ${list}:2, in a certificate of it [ssh.`),
      inList.porthop.stderr,
    );
    const marked = await both(shown.key, known, []);
    assert.ok(
      marked.porthop.stderr.includes(`is marked as revoked in ${known}:3, in a certificate of it [ssh.`),
      marked.porthop.stderr,
    );
  },
);

test("An authority is trusted also through a certificate of its key, as with ssh.", limits, async () => {
  const { shown, names } = await theServers();
  const known = file(`@cert-authority * ${names["a certificate of the authority"]}`);
  await agree(shown.certificate, known, [], undefined, "trusted");
  await agree(shown.key, known, [], "ssh.host-key-unknown", "no certificate");
});

test("A list with a line that cannot be read lets nobody through, as with ssh.", limits, async () => {
  const { shown, names } = await theServers();
  const sshd = shown.key;
  const other = names["another key"].trim();
  const [type = "", base64 = ""] = other.split(" ");
  const refused = "file.cannot-read";
  const rows: readonly (readonly [text: string, error: string | undefined])[] = [
    ["", undefined],
    ["  # retired\n   \n\n", undefined],
    [`${other}\r\n`, undefined],
    [other, undefined],
    ["\r\n", refused],
    ["retired\n", refused],
    [`${other}\nretired\n`, refused],
    [`${type} ${base64.slice(0, -8)}\n`, refused],
    [`${type} ${base64.slice(0, -1)}\n`, refused],
    [`ssh-rsa ${base64}\n`, refused],
    [`no-pty ${other}\n`, refused],
    [`vishnu.example ${other}\n`, refused],
    ["SSHKRL\n\0\0\0\0\u0001", refused],
    [`\t${names["the key"].replace(" ", " \t ")}`, "ssh.host-key-revoked"],
    [`${names["the key"]}retired\n`, "ssh.host-key-revoked"],
  ];
  for (const [text, error] of rows) {
    const known = file(knownHere(names, sshd));
    await agree(sshd, known, ["-o", `RevokedHostKeys=${file(text)}`], error, JSON.stringify(text));
  }
});

test("Of several host keys the server is asked for one that is known and not revoked.", limits, async () => {
  await using sshd = await startSshd({ hostKeys: ["ed25519", "ecdsa"] });
  const [first = "", second = ""] = sshd.hostKeys;
  const line = (key: string) => `[${sshd.host}]:${sshd.port} ${key}\n`;
  for (const [text, error] of [
    [`${line(first)}${line(second)}@revoked * ${first}\n`, undefined],
    [`${line(first)}${line(second)}@revoked * ${second}\n`, undefined],
    [`${line(first)}@revoked * ${first}\n`, "ssh.host-key-revoked"],
  ] as const) {
    await agree(sshd, file(text), [], error, text);
  }
});

async function agree(sshd: Sshd, known: string, flags: readonly string[], error: string | undefined, row: string) {
  const { ssh, porthop } = await both(sshd, known, flags);
  assert.equal(ssh.code, error === undefined ? 0 : 255, `ssh, ${row}: ${ssh.stderr}`);
  const ours = /\[([a-z-]+\.[a-z-]+)\]$/m.exec(porthop.stderr)?.[1];
  assert.deepEqual([ours, porthop.code === 0], [error, error === undefined], `porthop, ${row}: ${porthop.stderr}`);
}

async function both(sshd: Sshd, known: string, flags: readonly string[]) {
  const words = [...flags, "-o", `UserKnownHostsFile=${known}`, ...sshd.sshArgs, sshd.host, "true"];
  await using program = porthop(["run", ...words]);
  const [ssh, ours] = await Promise.all([run("ssh", words), program.exit]);
  return { ssh, porthop: ours };
}

/** The key is known, and the authority trusted. */
function knownHere(names: Readonly<Record<Name, string>>, { host, port }: Sshd): string {
  return `[${host}]:${port} ${names["the key"]}@cert-authority * ${names["the authority"]}`;
}

function file(text: string): string {
  const path = join(directory, `file${++made}`);
  writeFileSync(path, text);
  return path;
}
