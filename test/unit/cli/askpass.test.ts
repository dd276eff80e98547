import assert from "node:assert/strict";
import { test } from "node:test";
import { askpassOf } from "../../../src/cli/askpass.ts";

const everywhere = () => true;

/** `when there is none`, `always` or `never` a program asks, by the rules of ssh. */
function rule(variables: NodeJS.ProcessEnv): string {
  const askpass = askpassOf({ SSH_ASKPASS: "/opt/ask", ...variables }, everywhere);
  if (askpass === undefined) return "never";
  assert.equal(askpass.program, "/opt/ask");
  return askpass.isPreferred ? "always" : "without a terminal";
}

test("A display lets the program ask where there is no terminal, and SSH_ASKPASS_REQUIRE decides for all cases.", () => {
  for (const display of [{ DISPLAY: ":0" }, { WAYLAND_DISPLAY: "wayland-0" }, { DISPLAY: "", WAYLAND_DISPLAY: "w" }]) {
    assert.equal(rule(display), "without a terminal");
    assert.equal(rule({ ...display, SSH_ASKPASS_REQUIRE: "never" }), "never");
    assert.equal(rule({ ...display, SSH_ASKPASS_REQUIRE: "prefer" }), "always");
    assert.equal(rule({ ...display, SSH_ASKPASS_REQUIRE: "force" }), "always");
    assert.equal(rule({ ...display, SSH_ASKPASS_REQUIRE: "nonsense" }), "without a terminal");
  }
  for (const display of [{}, { DISPLAY: "", WAYLAND_DISPLAY: "" }]) {
    assert.equal(rule(display), "never");
    assert.equal(rule({ ...display, SSH_ASKPASS_REQUIRE: "never" }), "never");
    assert.equal(rule({ ...display, SSH_ASKPASS_REQUIRE: "prefer" }), "never");
    assert.equal(rule({ ...display, SSH_ASKPASS_REQUIRE: "Force" }), "always");
  }
});

test("Without SSH_ASKPASS the systems' own program asks, where there is one.", () => {
  const forced = { SSH_ASKPASS_REQUIRE: "force" };
  const fedora = "/usr/libexec/openssh/ssh-askpass";
  assert.equal(askpassOf(forced, (file) => file === fedora)?.program, fedora);
  assert.equal(askpassOf(forced, everywhere)?.program, "/usr/bin/ssh-askpass");
  assert.equal(
    askpassOf(forced, () => false),
    undefined,
  );
});

test("A name without a slash is looked for in PATH, and an empty one is none.", () => {
  const forced = { SSH_ASKPASS_REQUIRE: "force" };
  const isThere = (file: string) => file === "/b/ask";
  assert.equal(askpassOf({ ...forced, SSH_ASKPASS: "ask", PATH: "/a:/b:/c" }, isThere)?.program, "/b/ask");
  assert.equal(askpassOf({ ...forced, SSH_ASKPASS: "ask", PATH: "/a:/c" }, isThere), undefined);
  assert.equal(askpassOf({ ...forced, SSH_ASKPASS: "/c/ask", PATH: "/b" }, isThere), undefined);
  assert.equal(askpassOf({ ...forced, SSH_ASKPASS: "" }, everywhere), undefined);
});
