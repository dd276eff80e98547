import assert from "node:assert/strict";
import { test } from "node:test";
import { aliasOf } from "../../../src/cli/alias.ts";
import { describeRelay, describeTunnel } from "../../../src/config/description.ts";
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
const sources = () => memoryConfig({ "/home/anna/.ssh/config": config });

for (const [words, expected] of [
  ["vishnu", "vishnu stands for alice@10.0.0.1, port 2222"],
  ["-p 22 carol@vishnu", "vishnu stands for carol@10.0.0.1, port 22"],
  ["named", "named stands for bob@named, port 22"],
  ["carol@named", undefined],
  ["plain", undefined],
  ["elsewhere.example.org", undefined],
  ["Elsewhere", undefined],
  ["-o HostName=10.0.0.9 vishnu", undefined],
  ["-F none vishnu", undefined],
  ["-F other vishnu", undefined],
] as const) {
  test(`${words}: ${expected ?? "nothing to say"}.`, () => {
    const files = sources();
    assert.equal(aliasOf(describeTunnel(["-L", "1:a:1", ...words.split(" ")]), files), expected);
    assert.deepEqual(files.commands, [], "a command of the file was run");
  });
}

test("A relay has no server, and a file that cannot be read says nothing.", () => {
  assert.equal(aliasOf(describeRelay(["-L", "8080:vishnu:80"]), sources()), undefined);
  const broken = memoryConfig({ "/home/anna/.ssh/config": "Host vishnu\n  Port many\n" });
  assert.equal(aliasOf(describeTunnel(["-L", "1:a:1", "vishnu"]), broken), undefined);
});
