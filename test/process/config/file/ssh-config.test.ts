import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Keywords } from "../../../../src/config/file/keyword-record.ts";
import { effectiveSettings } from "../../../../src/config/file/ssh-config.ts";
import { PorthopError } from "../../../../src/errors.ts";
import { type ConfigCase, configCorpus } from "../../../kit/config-corpus.ts";
import { opensshes } from "../../../kit/openssh.ts";
import { need } from "../../../kit/packages.ts";
import { run } from "../../../kit/run.ts";
import {
  comparable,
  comparedKeywords,
  type Effective,
  effectiveInPorthop,
  effectiveInSsh,
  sourcesLikeSsh,
} from "../../../kit/ssh-g.ts";
import { tempDirectory } from "../../../kit/temp.ts";

const limits = { skip: need("ssh"), timeout: 30_000 };
process.env["USER_OF_TEST"] = "tester";

for (const { ssh, version } of opensshes()) {
  for (const each of configCorpus) {
    const isOlder = Number.parseFloat(version) < (each.since ?? 0);
    test(`ssh -G of ${version} and porthop ${isOlder ? "differ" : "agree"} on ${each.name}.`, limits, async () => {
      const differences = await differencesOn(each, ssh);
      if (isOlder) assert.notDeepEqual(differences, [], "OpenSSH has had this for longer than `since` says");
      else assert.deepEqual(differences, []);
    });
  }

  test(`Key files have the names that ssh ${version} looks for.`, limits, async () => {
    const config =
      "Host web\n HostName Real.%h\n User bob\n Port 2222\n IdentityFile ~/k_%h_%n_%r_%p_%%\n IdentityFile %d/x\n" +
      `IdentityFile /v/$${"{USER_OF_TEST}"}\n`;
    const file = write({ name: "key files", config });
    // It says them as soon as it has a connection, of which this command is the beginning.
    const { stderr } = await run(ssh, ["-v", "-F", file, "-o", "ProxyCommand=true", "web"]);
    const theirs = [...stderr.matchAll(/^debug1: identity file (.*) type -?\d+\r?$/gm)].map(([, path]) => path);
    const keywords = effectiveSettings("web", new Keywords(), sourcesLikeSsh(), file).keywords.all("IdentityFile");
    assert.equal(keywords.length, 3);
    assert.deepEqual(
      keywords,
      theirs.filter((path) => !path?.endsWith("-cert")),
    );
  });
}

/** What this ssh and porthop make of one case in two ways, keyword by keyword. */
async function differencesOn(each: ConfigCase, ssh: string): Promise<readonly unknown[]> {
  const file = write(each);
  const words = [...(each.flags ?? []), each.host ?? "web"];
  const [theirs, without] = await Promise.all([
    effectiveInSsh(ssh, file, words),
    effectiveInSsh(ssh, "none", [words.at(-1) ?? ""]),
  ]);
  assert.ok(without !== undefined);
  const ours = orRefused(() => effectiveInPorthop(file, words, without));
  if (theirs === undefined || ours === undefined) {
    if (theirs === ours) return [];
    return [ours === undefined ? "only porthop refuses" : "only ssh refuses"];
  }
  return comparedKeywords.flatMap((keyword) => {
    const our: readonly string[] | undefined = ours.get(keyword);
    const their = comparable(keyword, theirs.get(keyword.toLowerCase()));
    if (our === undefined || isDeepStrictEqual(comparable(keyword, our), their)) return [];
    return [{ keyword, porthop: comparable(keyword, our), ssh: their }];
  });
}

function write({ config, files = {} }: ConfigCase): string {
  const directory = tempDirectory("config");
  for (const [name, text] of Object.entries({ ...files, config })) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replaceAll("DIR", directory), { mode: 0o600 });
  }
  return join(directory, "config");
}

function orRefused(read: () => Effective): Effective | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof PorthopError, String(error instanceof Error ? error.stack : error));
    return undefined;
  }
}
