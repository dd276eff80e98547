import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { ownUid } from "../../../../src/config/current-user.ts";
import { refuseShared } from "../../../../src/config/file/private-file.ts";

const uid = ownUid() ?? 0;
/** Nobody is in a group of this number. */
const emptyGroup = 54_321;

test("A file of one's own, or of root's, that nobody else may write is fine.", () => {
  for (const mode of [0o100600, 0o100644, 0o100755]) {
    refuseShared({ uid, gid: emptyGroup, mode }, "anna");
    refuseShared({ uid: 0, gid: 0, mode }, "anna");
  }
});

test("One that everybody may write, or a group of others, is refused with its permissions.", () => {
  for (const [mode, shown] of [
    [0o100646, "0646"],
    [0o100664, "0664"],
    [0o100666, "0666"],
  ] as const) {
    assert.throws(
      () => refuseShared({ uid, gid: emptyGroup, mode }, "anna"),
      new Malformed(`bad permissions: ${shown} lets others write it`),
    );
  }
});

test("A group of the user alone may write it.", () => {
  refuseShared({ uid: 0, gid: 0, mode: 0o100664 }, "root");
  assert.throws(() => refuseShared({ uid: 0, gid: 0, mode: 0o100664 }, "anna"), Malformed);
});

test("Another user's file is refused.", () => {
  assert.throws(() => refuseShared({ uid: 54_321, gid: 0, mode: 0o100600 }, "anna"), /bad owner/);
});
