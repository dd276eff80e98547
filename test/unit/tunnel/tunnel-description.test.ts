import assert from "node:assert/strict";
import { test } from "node:test";
import { parseForwardSpec } from "../../../src/codec/words/forward-spec.ts";
import {
  forwardIds,
  hasFlag,
  keywordIsOn,
  keywordText,
  opensGateway,
  plainTunnel,
} from "../../../src/tunnel/tunnel-description.ts";

test("Forwards are named by letter and number, in the order given.", () => {
  const specs = [
    parseForwardSpec("L", "1:a:1"),
    parseForwardSpec("R", "2"),
    parseForwardSpec("L", "3:a:3"),
    parseForwardSpec("D", "4"),
    parseForwardSpec("R", "5:a:5"),
  ];
  assert.deepEqual(forwardIds(specs), ["L1", "R1", "L2", "D1", "R2"]);
});

test("Of two lines of a keyword the first counts, whatever the letter case, without its quotes.", () => {
  const tunnel = {
    ...plainTunnel("host", []),
    keywords: [
      { name: "hostname", value: '"a b"' },
      { name: "HostName", value: "c" },
      { name: "GatewayPorts", value: "yes" },
      { name: "Compression", value: "no" },
    ],
  };
  assert.equal(keywordText(tunnel, "HostName"), "a b");
  assert.equal(keywordText(tunnel, "Port"), undefined);
  assert.deepEqual([keywordIsOn(tunnel, "gatewayports"), keywordIsOn(tunnel, "Compression")], [true, false]);
  assert.ok(opensGateway(tunnel));
});

test("-g opens what has no bind address.", () => {
  const tunnel = { ...plainTunnel("host", []), flags: [{ letter: "g", value: undefined }] };
  assert.deepEqual([hasFlag(tunnel, "g"), hasFlag(tunnel, "f"), opensGateway(tunnel)], [true, false, true]);
  assert.ok(!opensGateway(plainTunnel("host", [])));
});

test("The comment behind a value is not the value, and a command is its whole line.", () => {
  const keywords = [
    { name: "GatewayPorts", value: "yes # all" },
    { name: "ProxyCommand", value: "nc %h # x" },
    { name: "Broken", value: 'a "b' },
  ];
  assert.deepEqual(
    ["GatewayPorts", "ProxyCommand", "Broken"].map((name) => keywordText({ keywords }, name)),
    ["yes", "nc %h # x", 'a "b'],
  );
});
