import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Algorithms } from "ssh2";
import { macAdditions } from "../../../../src/ssh/algorithm/mac-additions.ts";
import { flawOf } from "../../../../src/ssh/ssh2/extension.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";

for (const [name, { isEtm }] of macAdditions) {
  // Where a test before this one loaded ssh2 by itself, porthop could not extend it.
  const skip = flawOf(name) ?? false;
  test(`With ${name} bytes go through a channel and come back as they were.`, { skip, timeout: 10_000 }, async () => {
    assert.equal(isEtm, name.includes("-etm@"));
    const algorithms = { cipher: ["aes128-ctr"], hmac: [name] } as Algorithms;
    await using pair = await ChannelPair.open({ algorithms });
    const { near, far } = await pair.channel();
    far.pipe(far);
    const sent = [1, 100, 1000, 200_000].map((bytes) => randomBytes(bytes));
    for (const each of sent) near.write(each);
    near.end();
    const received: Buffer[] = [];
    near.on("data", (chunk: Buffer) => received.push(chunk));
    await new Promise<void>((resolve) => near.on("end", () => resolve()));
    assert.ok(Buffer.concat(received).equals(Buffer.concat(sent)));
  });
}
