import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChangePassword, LoginMessages } from "../../../../src/ssh/ssh2/login-messages.ts";
import type { Handlers, ProtocolView } from "../../../../src/ssh/ssh2/view.ts";

type LoginHandlers = Pick<Handlers, "USERAUTH_FAILURE" | "EXT_INFO" | "USERAUTH_PASSWD_CHANGEREQ">;

/** A protocol that writes down what ssh2 itself would hear, and what would be sent. */
function played() {
  const story: unknown[] = [];
  const handlers: LoginHandlers = {
    USERAUTH_FAILURE: (self, methods, isPartial) => void story.push(["ssh2", self, methods, isPartial]),
    EXT_INFO: (self, infos) => void story.push(["ssh2", self, infos]),
    USERAUTH_PASSWD_CHANGEREQ: (self, prompt) => void story.push(["ssh2", self, prompt]),
  };
  const protocol = {
    _handlers: handlers,
    _authsQueue: ["password", "publickey"],
    authPassword: (...words: string[]) => void story.push(["sent", ...words]),
  };
  return { story, handlers, protocol, login: new LoginMessages(protocol as Partial<ProtocolView> as ProtocolView) };
}

test("A refusal, and how far it goes, is told before ssh2 has it.", () => {
  const { story, handlers, login } = played();
  login.onFailure((methods, isPartial) => story.push(["told", methods, isPartial]));
  handlers.USERAUTH_FAILURE("self", ["password"], true);
  assert.deepEqual(story, [
    ["told", ["password"], true],
    ["ssh2", "self", ["password"], true],
  ]);
});

test("Of what the server tells about itself the signature algorithms are told, and ssh2 has all of it.", () => {
  const { story, handlers, login } = played();
  login.onSignatures((algorithms) => story.push(["told", algorithms]));
  const other = { name: "publickey-hostbound@openssh.com" };
  const infos = [other, { name: "server-sig-algs", algs: ["ssh-ed25519", "rsa-sha2-512"] }];
  handlers.EXT_INFO("self", infos);
  handlers.EXT_INFO("self", [other]);
  assert.deepEqual(story, [
    ["told", ["ssh-ed25519", "rsa-sha2-512"]],
    ["ssh2", "self", infos],
    ["ssh2", "self", [other]],
  ]);
});

test("A demand for a new password is handed over; what it was sent for is answered, and ssh2 sends no old one.", () => {
  const { story, handlers, protocol, login } = played();
  let change: ChangePassword = () => assert.fail("nothing was demanded");
  login.onPasswordDemand((prompt, answer) => {
    story.push(["told", prompt]);
    change = answer;
  });
  handlers.USERAUTH_PASSWD_CHANGEREQ("self", "Expired");
  assert.deepEqual([story, protocol._authsQueue], [[["told", "Expired"]], ["password", "publickey"]]);
  change("anna", "old", "new");
  assert.deepEqual([story[1], protocol._authsQueue], [["sent", "anna", "old", "new"], ["publickey"]]);
  assert.equal(story.length, 2);
});

test("Where nobody asks, ssh2 has all that it would have.", () => {
  const { story, handlers } = played();
  handlers.USERAUTH_FAILURE("self", [], false);
  handlers.EXT_INFO("self", [{ name: "server-sig-algs", algs: ["ssh-ed25519"] }]);
  handlers.USERAUTH_PASSWD_CHANGEREQ("self", "Expired");
  assert.deepEqual(story, [
    ["ssh2", "self", [], false],
    ["ssh2", "self", [{ name: "server-sig-algs", algs: ["ssh-ed25519"] }]],
    ["ssh2", "self", "Expired"],
  ]);
});
