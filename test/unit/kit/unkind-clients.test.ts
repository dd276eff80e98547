import assert from "node:assert/strict";
import { test } from "node:test";
import { errandServer } from "../../kit/errands.ts";
import { resetServer, sourceServer } from "../../kit/servers.ts";
import { unkindClients } from "../../kit/unkind-clients.ts";
import { everyManner, isKind, scriptsOf } from "../../kit/unkind-script.ts";

const timeout = 30_000;
const sizes = { small: 50_000, large: 1_000_000 };

test("The same seed gives the same scripts, and another seed others; every manner comes up.", () => {
  const scripts = scriptsOf(7, 500);
  assert.deepEqual(scriptsOf(7, 500), scripts);
  assert.notDeepEqual(scriptsOf(8, 500), scripts);
  assert.deepEqual([...new Set(scripts.map(({ manner }) => manner))].sort(), Object.keys(everyManner).sort());
});

test("On a good way everybody who stays gets all, and whoever was to leave has left.", { timeout }, async () => {
  await using target = await errandServer();
  const { played, whole, broken } = await unkindClients(target.port, { seed: 7, clients: 200, sizes });
  assert.deepEqual(broken, []);
  const manners = scriptsOf(7, 200).map(({ manner }) => manner);
  assert.equal(whole, manners.filter(isKind).length);
  assert.deepEqual(
    played,
    new Map([...played.keys()].map((manner) => [manner, manners.filter((each) => each === manner).length])),
  );
});

test("Bytes that are wrong, missing or cut off are told, with the script of who lost them.", { timeout }, async () => {
  await using other = await sourceServer({ bytes: 20, seed: 99 });
  const mix = { reads: 1 };
  const wrong = await unkindClients(other.port, { seed: 1, clients: 5, mix, sizes: { small: 1, large: 1 } });
  assert.equal(wrong.broken.length, 5);
  assert.match(wrong.broken[0] ?? "", /^client 0 \(\{"manner":"reads",.*\): got 20 of 1 bytes and a clean end$/);
  await using resetting = await resetServer(1);
  const cut = await unkindClients(resetting.port, { seed: 1, clients: 5, mix, sizes });
  assert.equal(cut.broken.length, 5);
  assert.match(cut.broken[0] ?? "", /: got 0 of \d+ bytes and a reset$/);
});
