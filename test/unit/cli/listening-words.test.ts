import assert from "node:assert/strict";
import { test } from "node:test";
import { ListeningWords } from "../../../src/cli/listening-words.ts";

const on = (port: number, forward = "R1") =>
  ({
    ...{ event: "listening" as const, forward, kind: "remote" as const, side: "server" as const },
    ...{ listen: { host: "127.0.0.1", port }, addresses: [{ host: "127.0.0.1", port }] },
    connect: { host: "db", port: 5432 },
  }) as const;
const text = (port: number, forward = "R1") => `${forward} listening on 127.0.0.1:${port} of the server -> db:5432`;

test("The first line of each forward is told, and a thousand sessions after it that change nothing are not.", () => {
  const words = new ListeningWords();
  assert.deepEqual(words.listening(on(8080)), { level: "info", text: text(8080) });
  assert.deepEqual(words.listening(on(8081, "R2")), { level: "info", text: text(8081, "R2") });
  for (let session = 0; session < 1000; session++) {
    assert.deepEqual(words.listening(on(8080)), { level: "debug", text: text(8080) });
  }
});

test("A forward that had to wait is told of when it is back, once, and so is one that listens elsewhere.", () => {
  const words = new ListeningWords();
  words.listening(on(8080));
  words.waiting({ event: "forward.waiting", forward: "R1", reason: "the port is taken" });
  assert.deepEqual(
    [on(8080), on(8080), on(8082), on(8082)].map((event) => words.listening(event).level),
    ["info", "debug", "info", "debug"],
  );
});

test("What was told as a move is not told twice.", () => {
  const words = new ListeningWords();
  words.listening(on(8080));
  const [listen, was] = [on(8082).listen, on(8080).listen];
  words.waiting({ event: "forward.waiting", forward: "R1", reason: "the port is taken" });
  words.moved({ event: "forward.moved", forward: "R1", listen, was });
  assert.deepEqual([words.listening(on(8082)).level, words.listening(on(8083)).level], ["debug", "info"]);
});

test("A forward that listens on another server is told, and one that is on the same again is not.", () => {
  const words = new ListeningWords();
  const levels = ["first", "first", "second", "second", "first"].map((host) => {
    words.session({ host, port: 22 });
    return words.listening(on(8080)).level;
  });
  assert.deepEqual(levels, ["info", "debug", "info", "debug", "info"]);
});
