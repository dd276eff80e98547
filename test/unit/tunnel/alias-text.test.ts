import assert from "node:assert/strict";
import { test } from "node:test";
import { describeTunnel } from "../../../src/config/description.ts";
import { resolveTunnel } from "../../../src/config/resolved-tunnel.ts";
import { aliasText } from "../../../src/tunnel/alias-text.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

const config = `Match exec "true"
  User mallory
Host vishnu
  HostName 10.0.0.1
  User alice
  Port 2222
Host plain
  Compression yes
Host named
  User bob
`;

for (const [words, expected] of [
  ["vishnu", "vishnu stands for alice@10.0.0.1, port 2222"],
  ["-p 22 carol@vishnu", "vishnu stands for carol@10.0.0.1, port 22"],
  ["named", "named stands for bob@named, port 22"],
  ["carol@named", undefined],
  ["plain", undefined],
  ["elsewhere.example.org", undefined],
  ["Elsewhere", undefined],
  ["-o HostName=10.0.0.9 vishnu", "vishnu stands for alice@10.0.0.9, port 2222"],
  ["-F none vishnu", undefined],
  ["-F /other vishnu", "vishnu stands for vishnu, port 7"],
] as const) {
  test(`${words}: ${expected ?? "nothing to say"}.`, () => {
    const files = memoryConfig({ "/home/anna/.ssh/config": config, "/other": "Port 7\n" });
    const { said, effective } = resolveTunnel(describeTunnel(["-L", "1:a:1", ...words.split(" ")]), files);
    assert.equal(aliasText(said, effective), expected);
    assert.deepEqual(files.commands, [], "a command of the file was run");
  });
}
