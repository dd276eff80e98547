import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNetworks } from "../../../src/codec/cidr.ts";
import { addOption } from "../../../src/config/file/config-value.ts";
import { Keywords } from "../../../src/config/file/keyword-record.ts";
import {
  exitsOnForwardFailure,
  listenSettings,
  relayDialTimeoutMs,
  remoteOpenRules,
} from "../../../src/config/listen-settings.ts";

function wordsOf(...lines: string[]) {
  const keywords = new Keywords();
  for (const line of lines) addOption(keywords, line);
  return { keywords, allowFrom: undefined };
}

test("Without keywords a unix listener is its owner's, and removes nothing.", () => {
  assert.deepEqual(listenSettings(wordsOf()), {
    family: undefined,
    allowFrom: undefined,
    unix: { mask: 0o177, unlink: false },
  });
});

test("Keywords and networks come through.", () => {
  const { keywords } = wordsOf("AddressFamily=inet6", "StreamLocalBindMask=0117", "StreamLocalBindUnlink=yes");
  const allowFrom = parseNetworks("10.0.0.0/8");
  assert.deepEqual(listenSettings({ keywords, allowFrom }), {
    family: 6,
    allowFrom,
    unix: { mask: 0o117, unlink: true },
  });
});

test("A listener that cannot be set up ends all, unless ExitOnForwardFailure says no.", () => {
  assert.equal(exitsOnForwardFailure(wordsOf()), true);
  assert.equal(exitsOnForwardFailure(wordsOf("ExitOnForwardFailure=no")), false);
});

test("PermitRemoteOpen permits what it says, and without it there is no rule at all.", () => {
  assert.equal(remoteOpenRules(wordsOf()), undefined);
  const rules = remoteOpenRules(wordsOf("PermitRemoteOpen=db:5432"));
  assert.equal(rules?.permits({ host: "db", port: 5432 }), true);
  assert.equal(rules?.permits({ host: "db", port: 22 }), false);
});

test("ConnectTimeout is a relay's time-out for its targets; without it, and with 0, the system's own counts.", () => {
  assert.equal(relayDialTimeoutMs(wordsOf("ConnectTimeout=3")), 3000);
  assert.equal(relayDialTimeoutMs(wordsOf("ConnectTimeout=0")), undefined);
  assert.equal(relayDialTimeoutMs(wordsOf()), undefined);
});
