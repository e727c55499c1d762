import { describe, expect, test } from "bun:test";
import { ScanWatch } from "../../../src/pipeline/update/watch.ts";

const LIMITS = { timeMs: 1000, messages: 100, foundRise: 30, failedRise: 20 };
const counts = (scanned: number, found = 0, failed = 0) => ({ scanned, found, failed });

describe("ScanWatch", () => {
  /** A gateway that scanned `before` until an update at time 0. */
  function updated(before: ReturnType<typeof counts>, isWatched = true): ScanWatch {
    const watch = new ScanWatch();
    watch.sample(-500, counts(0));
    watch.changed(0, before, isWatched);
    return watch;
  }

  const CASES = [
    ["all is as before", counts(200, 4), counts(400, 8), ""],
    [
      "much more is found",
      counts(200, 4),
      counts(400, 104),
      /found rose from 2.0 % to 50.0 % \(of 200/,
    ],
    ["it rises by what is allowed", counts(200, 0), counts(400, 60), ""],
    ["much more fails", counts(200, 0, 2), counts(300, 0, 52), /can't be scanned rose from 1.0 %/],
    ["there is too little mail after it", counts(200), counts(299, 99), ""],
    ["there was too little mail before it", counts(99), counts(400, 301), ""],
    ["less is found", counts(200, 150), counts(400, 150), ""],
  ] as const;
  test.each(CASES)("decides when %s", (_, before, now, expected) => {
    const reason = updated(before).decide(500, now, LIMITS);
    if (expected === "") expect(reason).toBe("");
    else expect(reason).toMatch(expected);
  });

  test("decides nothing when its time is over, or when nobody wants it", () => {
    expect(updated(counts(200)).decide(1001, counts(400, 200), LIMITS)).toBe("");
    expect(updated(counts(200), false).decide(500, counts(400, 200), LIMITS)).toBe("");
    expect(new ScanWatch().decide(0, counts(400, 200), LIMITS)).toBe("");
  });

  test("compares with a day before the update, and with nothing of the set before that", () => {
    const day = 24 * 3_600_000;
    const watch = new ScanWatch();
    watch.changed(0, counts(0), true);
    // Long ago much was found; in the last day nothing.
    watch.sample(day, counts(1000, 1000));
    watch.sample(2 * day, counts(1200, 1000));
    watch.sample(3 * day, counts(1400, 1000));
    watch.changed(3 * day, counts(1400, 1000), true);
    const limits = { ...LIMITS, timeMs: day };
    expect(watch.decide(3 * day + 1, counts(1600, 1100), limits)).toMatch(/from 0.0 % to 50.0 %/);
  });
});
