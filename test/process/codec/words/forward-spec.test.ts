import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isUnix } from "../../../../src/codec/address.ts";
import { slashFields } from "../../../../src/codec/words/forward-fields.ts";
import { type ForwardSpec, forwardFlag, printForwardSpec } from "../../../../src/codec/words/forward-spec.ts";
import { refused, specs, understood } from "../../../kit/forward-texts.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";

const noSsh = need("ssh");

/** The lines `ssh -G` would print for what we understood (readconf.c, dump_cfg_forwards). */
function asSshSaysIt(spec: ForwardSpec): string[] {
  if (spec.kind === "stdio") return [];
  const { listen } = spec;
  const bound =
    "path" in listen ? listen.path : listen.bind === undefined ? `${listen.port}` : `[${listen.bind}]:${listen.port}`;
  if (spec.kind === "dynamic") return [`dynamicforward ${bound}`];
  if (spec.kind === "reverse-dynamic") return [`remoteforward ${bound} [socks]:0`];
  const { connect } = spec;
  if (!isUnix(connect)) return [`${spec.kind}forward ${bound} [${connect.host}]:${connect.port}`];
  // A local forward to a socket is listed among the dynamic ones too, for it has no connect_host either.
  const twice = spec.kind === "local" ? [`dynamicforward ${bound}`] : [];
  return [...twice, `${spec.kind}forward ${bound} ${connect.path}`];
}

async function whatSshUnderstands(args: readonly string[]): Promise<string[]> {
  const { stdout } = await run("ssh", ["-G", "-F", "none", ...args, "host"]);
  return stdout.split("\n").filter((line) => /^(local|remote|dynamic)forward /.test(line));
}

/** Only the ssh of old took `b/80/h/80`; today's refuses it, or makes it the path of a socket in whatever directory. */
const slashed = (text: string) => slashFields(text) !== undefined;

for (const [flag, text, spec] of understood) {
  if (flag === "W" || slashed(text)) continue;
  test(`ssh understands -${flag} ${text} as we do`, { skip: noSsh }, async () => {
    assert.deepEqual(await whatSshUnderstands([`-${flag}`, text]), asSshSaysIt(spec));
  });
}

test("ssh understands all that is printed as we do", { skip: noSsh }, async () => {
  const sampled = fc.sample(specs, { numRuns: 1500, seed: 20 }).filter((spec) => spec.kind !== "stdio");
  // ssh drops what is repeated.
  const byListener = new Map(sampled.map((spec) => [`${forwardFlag(spec.kind)} ${JSON.stringify(spec.listen)}`, spec]));
  const unique = [...byListener.values()];
  assert.ok(unique.length > 500);
  const args = unique.flatMap((spec) => [`-${forwardFlag(spec.kind)}`, printForwardSpec(spec)]);
  const understoodBySsh = await whatSshUnderstands(args);
  assert.deepEqual(understoodBySsh.toSorted(), unique.flatMap(asSshSaysIt).toSorted());
});

/** ssh takes these: a port with a sign or blank, a last colon, hosts that are none. */
const stricterThanSsh = new Set([
  "+80:web:80",
  "8080:web: 80",
  " 8080:web:80",
  "8080::80",
  "8080:*:80",
  "8080:-oProxyCommand:80",
  "-h:8080:web:80",
  "8080:a b:80",
  "8080:\x1b[2J:80",
  "8080:web:80:",
  "8080:/x:80",
  "[1:2]:8080:web:80",
  "8080:/a\nb",
  "/a:80",
  "/a:/b",
]);

for (const [flag, text] of refused) {
  // Whether ssh knows a service by its name depends on the machine's /etc/services.
  if (flag === "W" || text.includes("\0") || /http|socks/.test(text)) continue;
  const sshTakesIt = stricterThanSsh.has(text);
  test(`ssh ${sshTakesIt ? "takes, and we do not," : "refuses too"} -${flag} ${JSON.stringify(text.slice(0, 40))}`, {
    skip: noSsh,
  }, async () => {
    assert.equal((await whatSshUnderstands([`-${flag}`, text])).length > 0, sshTakesIt);
  });
}
