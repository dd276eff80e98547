import assert from "node:assert/strict";
import { test } from "node:test";
import { SendWindow } from "../../../../src/ssh/ssh2/send-window.ts";
import { WindowLink } from "../../../../src/ssh/ssh2/window-link.ts";

const kibibyte = 1024;
const serverBytes = 2048 * kibibyte;

/** An upload to a server that opens its window in steps for what it passes on, over a line of this round trip. */
class Upload {
  nowMs = 0;
  readonly link = new WindowLink();
  readonly window: SendWindow;
  readonly #roundTripMs: number;
  readonly #stepBytes: number;
  /** What the upload may send now, as its channel knows it. */
  allowedBytes = serverBytes;
  sentBytes = 0;
  passedOnBytes = 0;
  #openedBytes = 0;
  #openedMs = 0;
  readonly #openings: { readonly atMs: number; readonly bytes: number }[] = [];

  constructor(roundTripMs: number, stepBytes = 96 * kibibyte) {
    this.#roundTripMs = roundTripMs;
    this.#stepBytes = stepBytes;
    this.link.measured(roundTripMs);
    this.window = new SendWindow(this.link, { smallArrivals: 0 }, serverBytes, () => this.nowMs);
  }

  /** What lies between here and the target. */
  get onTheWayBytes(): number {
    return this.sentBytes - this.passedOnBytes;
  }

  /** The target takes so many bytes in a millisecond. `say` is called once in each. */
  run(ms: number, bytesPerMs: number, say = () => {}): void {
    for (const end = this.nowMs + ms; this.nowMs < end; this.nowMs++) {
      say();
      while ((this.#openings[0]?.atMs ?? Number.POSITIVE_INFINITY) <= this.nowMs) {
        const { bytes = 0 } = this.#openings.shift() ?? {};
        this.allowedBytes = this.window.opened(bytes, this.allowedBytes);
        this.#openedMs = this.nowMs;
      }
      if (this.window.holdsBack && this.nowMs - this.#openedMs >= 100 + 4 * this.#roundTripMs) {
        this.allowedBytes = this.window.late(this.allowedBytes);
        this.#openedMs = this.nowMs;
      }
      this.sentBytes += this.allowedBytes;
      this.allowedBytes = 0;
      this.passedOnBytes += Math.floor(Math.min(bytesPerMs, this.onTheWayBytes));
      const bytes = this.passedOnBytes - this.#openedBytes;
      if (bytes < this.#stepBytes) continue;
      this.#openedBytes += bytes;
      this.#openings.push({ atMs: this.nowMs + this.#roundTripMs, bytes });
    }
  }
}

test("An upload that is alone sends all that the server allows.", () => {
  const upload = new Upload(1);
  upload.run(1000, 100 * kibibyte);
  assert.ok(upload.onTheWayBytes > 0.8 * serverBytes, `${upload.onTheWayBytes}`);
});

test("An upload gives way while others exchange small messages, and stays as fast.", () => {
  const upload = new Upload(1);
  upload.run(1000, 100 * kibibyte);
  const say = () => {
    upload.link.smallArrivals += 1;
  };
  upload.run(200, 100 * kibibyte, say);
  const before = upload.passedOnBytes;
  upload.run(1000, 100 * kibibyte, say);
  // Two and a half milliseconds of the line's, and what the server takes before it says so.
  assert.ok(upload.onTheWayBytes <= 350 * kibibyte, `${upload.onTheWayBytes}`);
  assert.ok(upload.passedOnBytes - before > 95_000 * kibibyte, `${upload.passedOnBytes - before}`);
  upload.run(3000, 100 * kibibyte);
  assert.ok(upload.onTheWayBytes > 0.8 * serverBytes, `${upload.onTheWayBytes}`);
});

test("An upload over a long line that gives way has what fits on the line, and stays as fast.", () => {
  const upload = new Upload(50);
  const say = () => {
    upload.link.smallArrivals += 1;
  };
  upload.run(2000, 20 * kibibyte, say);
  const before = upload.passedOnBytes;
  upload.run(1000, 20 * kibibyte, say);
  assert.ok(upload.passedOnBytes - before > 0.95 * 20_000 * kibibyte, `${upload.passedOnBytes - before}`);
  assert.ok(upload.onTheWayBytes <= 20 * 64 * kibibyte, `${upload.onTheWayBytes}`);
});

for (const [what, stepBytes] of [
  ["after half of it", serverBytes / 2],
  ["only when all of it is used up", serverBytes],
  ["for each packet", 32 * kibibyte],
] as const) {
  test(`Giving way never waits for a server that opens its window ${what}.`, () => {
    const upload = new Upload(1, stepBytes);
    for (let turn = 0; turn < 5; turn++) {
      const before = upload.passedOnBytes;
      upload.run(500, 100 * kibibyte, () => {
        upload.link.smallArrivals += 1;
      });
      assert.ok(upload.passedOnBytes > before, `turn ${turn}`);
    }
  });
}

test("What a channel hears itself is no small message of others.", () => {
  const own = { smallArrivals: 0 };
  const link = new WindowLink();
  link.measured(1);
  let nowMs = 0;
  const window = new SendWindow(link, own, serverBytes, () => nowMs);
  for (; nowMs < 1000; nowMs++) {
    own.smallArrivals += 1;
    link.smallArrivals += 1;
    assert.equal(window.opened(serverBytes, 0), serverBytes);
  }
});
