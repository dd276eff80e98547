/** The kit's OpenSSH versions: each one's ssh logs in to its own sshd. */
import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { opensshes } from "../../kit/openssh.ts";
import { need } from "../../kit/packages.ts";
import { run } from "../../kit/run.ts";
import { startSshd } from "../../kit/sshd.ts";

const missing = need("sshd", "ssh", "ssh-add", "ssh-agent", "ssh-keygen");

test("the ssh of each OpenSSH logs in to its own sshd", { skip: missing }, async () => {
  const all = opensshes();
  ok(all.length > 0);
  for (const openssh of all) {
    await using sshd = await startSshd({ openssh });
    const { stdout } = await run(openssh.ssh, [...sshd.sshArgs, sshd.host, "echo in"]);
    equal(stdout, "in\n", openssh.version);
  }
});
