/**
 * Destinations as they are typed, with what they mean, and random ones. Our own reader is held to them, and so is ssh.
 */
import fc from "fast-check";
import { type Destination, parseUser } from "../../src/codec/words/destination.ts";
import { readOrRefused } from "./hostile-text.ts";

export function to(host: string, user?: string, port?: number): Destination {
  return { user, host, port };
}

/** Text, its value, and the text it is printed as where that differs. */
export const understood: readonly (readonly [text: string, destination: Destination, printed?: string])[] = [
  ["vishnu", to("vishnu")],
  ["me@vishnu", to("vishnu", "me")],
  ["vishnu:2222", to("vishnu", undefined, 2222)],
  ["me@vishnu:2222", to("vishnu", "me", 2222)],
  ["me@corp.example@vishnu", to("vishnu", "me@corp.example")],
  ["me@corp@vishnu:22", to("vishnu", "me@corp", 22)],
  ["group:me@vishnu", to("vishnu", "group:me")],
  ["CORP\\me@vishnu", to("vishnu", "CORP\\me")],
  ["john doe@vishnu", to("vishnu", "john doe")],
  ["007@vishnu", to("vishnu", "007")],
  ["::1", to("::1")],
  ["me@2001:db8::1", to("2001:db8::1", "me")],
  ["fe80::1%eth0", to("fe80::1%eth0")],
  ["::", to("::")],
  ["[::1]", to("::1"), "::1"],
  ["[::1]:22", to("::1", undefined, 22)],
  ["me@[fe80::1%eth0]:22", to("fe80::1%eth0", "me", 22)],
  ["[vishnu]:22", to("vishnu", undefined, 22), "vishnu:22"],
  ["ssh://vishnu", to("vishnu"), "vishnu"],
  ["ssh://vishnu/", to("vishnu"), "vishnu"],
  ["ssh://vishnu:", to("vishnu"), "vishnu"],
  ["ssh://me@vishnu:2222", to("vishnu", "me", 2222), "me@vishnu:2222"],
  ["ssh://me@vishnu:2222/", to("vishnu", "me", 2222), "me@vishnu:2222"],
  ["ssh://me%40corp@vishnu", to("vishnu", "me@corp"), "me@corp@vishnu"],
  ["ssh://me@corp@vishnu", to("vishnu", "me@corp"), "me@corp@vishnu"],
  ["ssh://john+doe@vishnu", to("vishnu", "john doe"), "john doe@vishnu"],
  ["ssh://[::1]:22", to("::1", undefined, 22), "[::1]:22"],
  ["ssh", to("ssh")],
  ["work/box", to("work/box")],
  ["me@work/box:2222", to("work/box", "me", 2222)],
  ["aws:prod:1", to("aws:prod:1")],
  ["[aws:prod:1]:22", to("aws:prod:1", undefined, 22)],
  ["[aws:22]", to("aws:22")],
  ["prod:db", to("prod:db")],
  ["vishnu:22:23", to("vishnu:22:23")],
  ["arn:aws:ecs:eu-central-1:123456789012:task/web_1/0f", to("arn:aws:ecs:eu-central-1:123456789012:task/web_1/0f")],
  ["i-0123456789abcdef0", to("i-0123456789abcdef0")],
  ["my_host", to("my_host")],
  ["münchen.example.", to("münchen.example.")],
  ["ssh://me@my_host.:22", to("my_host", "me", 22), "me@my_host:22"],
  ["a=b+c~%h#!*?^", to("a=b+c~%h#!*?^")],
];

export const destinations = fc.record(
  {
    user: fc.option(fc.string({ unit: "binary", minLength: 1 }).filter(isUser), { nil: undefined }),
    host: fc.constantFrom(
      "vishnu",
      "db.internal",
      "10.0.0.1",
      "::1",
      "::",
      "fe80::1%eth0",
      "x_1",
      "*",
      "a/b",
      "a:b",
      "a:b:7",
    ),
    port: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
  },
  { noNullPrototype: true },
);

function isUser(text: string): boolean {
  return readOrRefused(() => parseUser(text)) !== undefined;
}
