import { describe, expect, test } from "bun:test";
import * as units from "../../src/text/units.ts";

describe("sizes and durations", () => {
  test.each([
    ["1B", 1],
    ["256KB", 262_144],
    ["50MB", 52_428_800],
    ["3GB", 3_221_225_472],
    ["0B", 0],
    ["1000B", 1000],
  ])("%s reads and writes as %p bytes", (text, bytes) => {
    expect(units.parseSize(text)).toBe(bytes);
    expect(units.formatSize(bytes)).toBe(text);
  });

  test.each([
    ["0ms", 0],
    ["1500ms", 1500],
    ["90s", 90_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["5d", 432_000_000],
  ])("%s reads and writes as %p milliseconds", (text, ms) => {
    expect(units.parseDuration(text)).toBe(ms);
    expect(units.formatDuration(ms)).toBe(text);
  });

  test.each(["", "5", "MB", "5 XB", "-5MB", "5.5MB", "5MBs", "9007199254740993KB"])(
    "parseSize() refuses %p",
    (text) => expect(units.parseSize(text)).toBeUndefined(),
  );

  test.each(["", "5", "m", "5w", "1h30m", "1e3s"])("parseDuration() refuses %p", (text) =>
    expect(units.parseDuration(text)).toBeUndefined(),
  );

  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KB"],
    [150 * 2 ** 20, "150 MB"],
  ])("roundSize(%p) is %s", (bytes, text) => {
    expect(units.roundSize(bytes)).toBe(text);
  });

  test.each([
    [0, "0ms"],
    [59_999, "59s"],
    [9_000_000, "2h"],
  ])("roundDuration(%p) is %s", (ms, text) => {
    expect(units.roundDuration(ms)).toBe(text);
  });
});
