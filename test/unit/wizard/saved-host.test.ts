import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../src/codec/malformed.ts";
import type { ConfigSources } from "../../../src/config/file/config-sources.ts";
import { readHostNames } from "../../../src/config/file/host-names.ts";
import type { SshTunnel } from "../../../src/tunnel/tunnel-description.ts";
import { tunnelPlan, type Wishes } from "../../../src/wizard/plan.ts";
import { appendix, checkHostName, disagreement, savedHostLines } from "../../../src/wizard/saved-host.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

const path = "/home/anna/.ssh/config";

function tunnel(host: string, wishes: Wishes = {}): SshTunnel {
  const spec = { kind: "dynamic", side: "here", listen: { bind: undefined, port: 1080 }, connect: undefined } as const;
  const { description } = tunnelPlan({ user: undefined, host, port: undefined }, spec, undefined, wishes);
  assert.ok(description.via === "ssh");
  return description;
}

function configured(text: string): ConfigSources {
  return memoryConfig({ [path]: text });
}

function saved(text: string, host: string, wishes: Wishes = {}): readonly string[] {
  const sources = configured(text);
  return savedHostLines(tunnel(host, wishes), "mine", readHostNames(sources), sources, "/work");
}

function after(text: string, lines: readonly string[]): ConfigSources {
  return configured(`${text}${appendix(lines, text === "", text.endsWith("\n"))}`);
}

test("A plain server becomes a Host of its own.", () => {
  assert.deepEqual(saved("", "vishnu"), [
    "Host mine",
    "    HostName vishnu",
    "    SessionType none",
    "    RequestTTY no",
    "    ExitOnForwardFailure yes",
    "    DynamicForward 1080",
  ]);
});

const alias = `Host web
  HostName 10.0.0.7
  User alice
  Port 2222
  IdentityFile ~/.ssh/keys/100%%_%h
  UserKnownHostsFile "/tmp/known hosts" /tmp/more
  ProxyJump bastion
Host *
  Compression yes
`;

test("What the configuration says of an alias is written out, and means the same by the new name.", () => {
  const lines = saved(alias, "web");
  const sources = after(alias, lines);
  assert.deepEqual(disagreement(tunnel("web"), "mine", configured(alias), sources), []);
  for (const line of [
    "    HostName 10.0.0.7",
    "    User alice",
    "    Port 2222",
    "    IdentityFile /home/anna/.ssh/keys/100%%_10.0.0.7",
    '    UserKnownHostsFile "/tmp/known hosts" /tmp/more',
    "    ProxyJump bastion",
  ]) {
    assert.ok(lines.includes(line), `${line} in ${lines.join("\n")}`);
  }
  // It holds for the new name already.
  assert.ok(!lines.some((line) => /Compression/.test(line)));
});

test("The jump hosts of the wizard stand in place of those of the alias.", () => {
  const jumps = [{ user: undefined, host: "other", port: undefined }];
  const lines = saved(alias, "web", { jumps });
  assert.deepEqual(
    lines.filter((line) => /ProxyJump/.test(line)),
    ["    ProxyJump other"],
  );
});

test("An earlier line that would count instead is found.", () => {
  const text = "Host *\n  User bob\n  Port 2200\n";
  const wanted = { ...tunnel("vishnu"), user: "alice" };
  const sources = configured(text);
  const lines = savedHostLines(wanted, "mine", readHostNames(sources), sources, "/work");
  const found = disagreement(wanted, "mine", sources, after(text, lines));
  assert.deepEqual(found, ['User would be "bob", from a line further up, and not "alice"']);
});

test("porthop's own settings come with an IgnoreUnknown that holds for every host.", () => {
  const lines = saved("", "vishnu", { capture: "/tmp/my file.pcap", rate: "1MB/s" });
  assert.deepEqual(lines.slice(0, 4), ["Host *", "    IgnoreUnknown Porthop*", "", "Host mine"]);
  assert.deepEqual(lines.slice(-2), ["    PorthopRateLimit 1MB/s", '    PorthopCapture "/tmp/my file.pcap"']);
});

test("A capture without a folder stays where it was meant, and does not move to ~/.ssh.", () => {
  const captured = (capture: string) => saved("", "vishnu", { capture }).at(-1)?.trim();
  assert.equal(captured("out.pcapng"), "PorthopCapture /work/out.pcapng");
  assert.equal(captured("../out.pcapng"), "PorthopCapture /out.pcapng");
  assert.equal(captured("-"), "PorthopCapture -");
});

test("Where another IgnoreUnknown counts first they are comments only, unless it has Porthop* too.", () => {
  const wishes = { rate: "1MB/s" };
  assert.ok(saved("IgnoreUnknown UseKeychain\n", "vishnu", wishes).includes("    # PorthopRateLimit 1MB/s"));
  assert.ok(saved("IgnoreUnknown UseKeychain,porthop*\n", "vishnu", wishes).includes("    PorthopRateLimit 1MB/s"));
  assert.ok(saved("IgnoreUnknown PorthopUse\n", "vishnu", wishes).includes("    # PorthopRateLimit 1MB/s"));
});

test("A name is letters, digits, dots, dashes and underscores, and not one that is there.", () => {
  const names = readHostNames(configured("Host Web *.lan\n"));
  checkHostName("web-2.x_y", names);
  for (const bad of ["web", "WEB", "-x", "a b", "a*", "", "a\nb", "*.lan"]) {
    assert.throws(() => checkHostName(bad, names), Malformed, bad);
  }
});

test("The lines stand apart from what is before them, also when that lacks its last line break.", () => {
  assert.equal(appendix(["a", "b"], true, false), "a\nb\n");
  assert.equal(appendix(["a"], false, true), "\na\n");
  assert.equal(appendix(["a"], false, false), "\n\na\n");
});
