import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printDestination } from "../../../../src/codec/words/destination.ts";
import { destinations, to, understood } from "../../../kit/destination-texts.ts";
import { opensshes } from "../../../kit/openssh.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";

const noSsh = need("ssh");

async function whatSshUnderstands(
  text: string,
  ssh: string,
): Promise<Record<"user" | "hostname" | "port", string | undefined>> {
  const { stdout } = await run(ssh, ["-G", "-F", "none", "--", text]);
  const setting = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(stdout)?.[1];
  return { user: setting("user"), hostname: setting("hostname"), port: setting("port") };
}

/** Plain ssh takes a port or brackets only in ssh://, and there no IPv6 address and no second @. */
const onlyOurs = /^(?!ssh:).*\[|^(?!ssh:)[^:]*:\d+$|^(?!ssh:).*@[^:]*:\d+$|^ssh:.*(?:@.*@|\[)/;

for (const { ssh, version } of opensshes()) {
  for (const [text, { user, host, port }] of understood) {
    // OpenSSH 10.6 and later refuse a backslash.
    if (onlyOurs.test(text) || text.includes("\\")) continue;
    test(`ssh ${version} understands "${text}" as we do`, { skip: noSsh }, async () => {
      const told = await whatSshUnderstands(text, ssh);
      assert.deepEqual([told.hostname, told.port], [host, String(port ?? 22)]);
      if (user !== undefined) assert.equal(told.user, user);
    });
  }

  test(`ssh ${version} takes every user and host that we take`, { skip: noSsh }, async () => {
    // A user with % or a backslash may be expanded, or refused, depending on the version.
    const simple = destinations.filter(({ user }) => user !== undefined && !/[%\\]/.test(user));
    for (const { user, host } of fc.sample(simple, 40)) {
      const told = await whatSshUnderstands(printDestination(to(host, user)), ssh);
      assert.deepEqual([told.user, told.hostname], [user, host]);
    }
  });

  for (const text of [
    "-oProxyCommand=reboot",
    "-me@vishnu",
    "me -oX@vishnu",
    "vish nu",
    "vishnu;reboot",
    "`reboot`@vishnu",
    // Not "a,b": it would be two jump hosts in a list of them, but OpenSSH takes it until Debian's 9.2p1-2+deb12u10.
  ]) {
    test(`ssh ${version} refuses "${text}" too`, { skip: noSsh }, async () => {
      assert.equal((await whatSshUnderstands(text, ssh)).hostname, undefined);
    });
  }
}
