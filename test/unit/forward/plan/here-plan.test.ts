import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { parseNetworks } from "../../../../src/codec/cidr.ts";
import { addOption } from "../../../../src/config/file/config-value.ts";
import { Keywords } from "../../../../src/config/file/keyword.ts";
import { addressFamily, hereOptions, preparedPlugins } from "../../../../src/forward/plan/here-plan.ts";
import { refusal } from "../../../kit/refusal.ts";

function keywordsOf(...lines: string[]): Keywords {
  const keywords = new Keywords();
  for (const line of lines) addOption(keywords, line);
  return keywords;
}

const spec = (name: string) => ({ name, isFile: false, options: new Map<string, string>() });

test("The log comes first, unless the chain says where it stands.", async () => {
  const names = async (...specs: string[]) => (await preparedPlugins(specs.map(spec))).map(({ name }) => name);
  assert.deepEqual(await names(), ["log"]);
  assert.deepEqual(await names("limit", "log"), ["limit", "log"]);
});

test("A plugin that is not there is told before anything is set up.", async () => {
  assert.equal((await refusal(preparedPlugins([spec("limti")]))).code, "plugin.not-found");
});

test("Without keywords a unix listener is its owner's, and removes nothing.", () => {
  assert.deepEqual(hereOptions({ keywords: keywordsOf(), allowFrom: undefined }), {
    family: undefined,
    allowFrom: undefined,
    unix: { mask: undefined, unlink: false },
    streams: undefined,
  });
});

test("Keywords, networks and streams come through.", () => {
  const keywords = keywordsOf("AddressFamily=inet6", "StreamLocalBindMask=0117", "StreamLocalBindUnlink=yes");
  const allowFrom = parseNetworks("10.0.0.0/8");
  const streams = { input: new PassThrough(), output: new PassThrough() };
  assert.deepEqual(hereOptions({ keywords, allowFrom }, streams), {
    family: 6,
    allowFrom,
    unix: { mask: 0o117, unlink: true },
    streams,
  });
});

test("AddressFamily is a family or none.", () => {
  assert.deepEqual(
    ["inet", "INET6", "any"].map((family) => addressFamily(keywordsOf(`AddressFamily=${family}`))),
    [4, 6, undefined],
  );
});
