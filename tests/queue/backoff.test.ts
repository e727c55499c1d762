import { expect, test } from "bun:test";
import { type BackoffOptions, nextAttemptAt } from "../../src/queue/backoff.ts";

const MINUTE = 60_000;
const options: BackoffOptions = {
  delayMinMs: 5 * MINUTE,
  delayMaxMs: 60 * MINUTE,
  lifetimeMs: 1_000 * MINUTE,
  delayWarningMs: 0,
};

const minutes = (attempts: number, reply: string, random = 0.5) => {
  const deferral = { attempts, reply, queuedAt: 0, now: 0 };
  return (nextAttemptAt(options, deferral, () => random) ?? Number.NaN) / MINUTE;
};

test.each([
  ["451 4.3.0 try later", [5, 10, 20, 40, 60, 60]],
  ["connection refused", [5, 10, 20, 40, 60, 60]],
  ["451 4.7.1 Greylisted, come back", [1, 3, 5, 10, 60, 60]],
  ["450 4.2.0 grey-listing in effect", [1, 3, 5, 10, 60, 60]],
  ["450 4.7.1 Recipient address rejected: Gray list", [1, 3, 5, 10, 60, 60]],
  ["550 5.7.1 greylist", [5, 10, 20, 40, 60, 60]],
])("nextAttemptAt() after %p", (reply, delays) => {
  expect(delays.map((_, index) => minutes(index + 1, reply))).toEqual(delays);
});

test("nextAttemptAt() spreads by a fifth either way", () => {
  expect([minutes(1, "", 0), minutes(1, "", 1)]).toEqual([4, 6]);
});

test("nextAttemptAt() stays finite after any number of attempts", () => {
  expect(minutes(1_000_000, "")).toBe(60);
});

test.each([
  [0, 300_000],
  [999 * MINUTE, 1_000 * MINUTE],
  [1_000 * MINUTE - 1, 1_000 * MINUTE],
  [1_000 * MINUTE, undefined],
  [2_000 * MINUTE, undefined],
])("at %p ms of age the next attempt is at %p: the last one when time is up", (now, at) => {
  const deferral = { attempts: 1, reply: "", queuedAt: 0, now };
  expect(nextAttemptAt(options, deferral, () => 0.5)).toBe(at as number);
});
