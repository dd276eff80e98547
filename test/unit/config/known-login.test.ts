import assert from "node:assert/strict";
import { test } from "node:test";
import { knownLogin } from "../../../src/config/known-login.ts";
import { memoryConfig } from "../../kit/memory-config.ts";

const config = `Host prod
  HostName vishnu.example
  User alice
  Port 2222
Host half
  User bob
`;

for (const [name, expected] of [
  ["prod", { host: "vishnu.example", user: "alice", port: 2222 }],
  ["half", { host: "half", user: "bob", port: undefined }],
  ["Elsewhere", { host: "elsewhere", user: undefined, port: undefined }],
] as const) {
  test(`${name} is ${JSON.stringify(expected)}.`, () => {
    assert.deepEqual(knownLogin(name, memoryConfig({ "/home/anna/.ssh/config": config })), expected);
  });
}
