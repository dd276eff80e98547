import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { residentWords } from "../../../src/tunnel/resident-words.ts";

const words = (text: string) => residentWords(describeTunnel(text.split(" "))).join(" ");

test("ssh is told to end when the network or a forward fails, and to stay in front.", () => {
  assert.equal(
    words("-f -L 1:a:1 h"),
    "-N -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 -o ServerAliveCountMax=3 -L 1:a:1 h",
  );
});

test("What was said stays as it was said.", () => {
  assert.equal(
    words(
      "-o exitonforwardfailure=no -o ServerAliveInterval=5 -o ServerAliveCountMax=1 -o ForkAfterAuthentication=yes -L 1:a:1 h",
    ),
    "-N -o ExitOnForwardFailure=no -o ServerAliveInterval=5 -o ServerAliveCountMax=1 -L 1:a:1 h",
  );
});

test("A file that sends ssh to the background is overruled: who starts it again waits for it.", () => {
  const tunnel = describeTunnel(["-L", "1:a:1", "h"]);
  const effective = { ...tunnel, keywords: [{ name: "ForkAfterAuthentication", value: "yes" }] };
  assert.match(residentWords(tunnel, effective).join(" "), / -o ForkAfterAuthentication=no /);
});

test("-W has nothing to be started again.", () => {
  assert.throws(() => words("-W a:1 h"), /nothing to start again/);
});
