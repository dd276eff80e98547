import assert from "node:assert/strict";
import { test } from "node:test";
import { type Keyword, keywords } from "../../../../src/config/file/keyword.ts";
import { readOrRefused } from "../../../kit/hostile-text.ts";
import { names, read, valueFor } from "../../../kit/keyword-values.ts";
import { opensshes } from "../../../kit/openssh.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";

const noSsh = need("ssh");
const newest = opensshes().at(-1);
const ssh = newest?.ssh ?? "ssh";

/** Keywords that are younger than an ssh that a distribution may have. */
const younger: Partial<Record<Keyword, number>> = { Tag: 9.4 };

/** What ssh makes of a line: its own words for the setting, or undefined when it refuses it. */
async function inSsh(line: string, setting: string): Promise<string | undefined> {
  const { code, stdout } = await run(ssh, ["-G", "-F", "none", "-o", line, "host"]);
  return code === 0 ? (new RegExp(`^${setting} (.*)$`, "m").exec(stdout)?.[1] ?? "") : undefined;
}

const asSsh: readonly (readonly [line: string, keyword: Keyword])[] = [
  ["User=anna", "User"],
  ["user anna", "User"],
  ["USER = anna", "User"],
  ["User='anna'", "User"],
  ['User="anna"', "User"],
  ["User==anna", "User"],
  ["Port=2222", "Port"],
  ["Port==22", "Port"],
  ["Port=x", "Port"],
  ["Port=", "Port"],
  ['IdentityFile="/x y"', "IdentityFile"],
  ["IdentityFile=none", "IdentityFile"],
  ["StrictHostKeyChecking=perhaps", "StrictHostKeyChecking"],
  ["StrictHostKeyChecking=accept-new", "StrictHostKeyChecking"],
  ["UserKnownHostsFile=/a /b", "UserKnownHostsFile"],
  ["AddressFamily=inet6", "AddressFamily"],
  ["AddressFamily=ipv6", "AddressFamily"],
  ["HostKeyAlias=alias", "HostKeyAlias"],
  ["BatchMode=maybe", "BatchMode"],
  ["ServerAliveCountMax=many", "ServerAliveCountMax"],
  ["ServerAliveCountMax=5", "ServerAliveCountMax"],
  ["ConnectTimeout=soon", "ConnectTimeout"],
  ["LogLevel=loud", "LogLevel"],
];

test("ssh reads, and refuses, the same lines in the same way", { skip: noSsh }, async () => {
  for (const [line, keyword] of asSsh) {
    const theirs = await inSsh(line, keyword.toLowerCase());
    const ours = readOrRefused(() => read(line).text(keyword));
    assert.equal(ours?.toLowerCase(), theirs?.toLowerCase(), line);
  }
});

test("ssh knows every keyword that porthop takes, and every word that stands for a choice", {
  skip: noSsh,
}, async () => {
  const isKnown = (name: Keyword) => Number.parseFloat(newest?.version ?? "") >= (younger[name] ?? 0);
  for (const keyword of names.filter((name) => !name.startsWith("Porthop") && isKnown(name))) {
    const { stderr } = await run(ssh, ["-G", "-F", "none", "-o", `${keyword}=${valueFor(keyword)}`, "host"]);
    assert.doesNotMatch(stderr, /Bad configuration option/);
    const reading: string | readonly string[] = keywords[keyword];
    // Without a subsystem's name ssh refuses it, and -s, which would give one, is not porthop's.
    const values = typeof reading === "object" ? reading.filter((value) => value !== "subsystem") : [];
    for (const value of values) {
      assert.notEqual(await inSsh(`${keyword}=${value}`, keyword.toLowerCase()), undefined, `${keyword}=${value}`);
    }
  }
});

for (const [line, ms] of [
  ["ServerAliveInterval=none", 0],
  ["ServerAliveInterval=1m30s", 90_000],
  ["ServerAliveInterval=2h", 7_200_000],
  ["ConnectTimeout=90", 90_000],
] as const) {
  test(`ssh waits as long as porthop with ${line}`, { skip: noSsh }, async () => {
    const keyword = line.startsWith("Connect") ? "ConnectTimeout" : "ServerAliveInterval";
    assert.equal(Number(await inSsh(line, keyword.toLowerCase())) * 1000, ms);
    assert.equal(read(line).time(keyword), ms);
  });
}
