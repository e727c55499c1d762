import { describe, expect, test } from "bun:test";
import { countOf, timeOf, withStore } from "../../src/cli/place.ts";

const NOW = Date.UTC(2026, 10, 22, 12);

describe("timeOf()", () => {
  test.each([
    ["7d", NOW - 7 * 86_400_000],
    ["90s", NOW - 90_000],
    ["2026-11-22", new Date(2026, 10, 22).getTime()],
    ["2026-11-22T20:15:00Z", Date.UTC(2026, 10, 22, 20, 15)],
  ])("reads %s", (text, time) => {
    expect(timeOf(text, NOW)).toBe(time);
  });

  test.each(["", "yesterday", "2026-13-01", "7w", "12", "\u001b[31m"])("refuses %p", (text) => {
    expect(() => timeOf(text, NOW)).toThrow(/is no time: write 7d/);
  });
});

test("countOf() takes whole numbers from 1 on", () => {
  expect(countOf("25")).toBe(25);
  for (const text of ["0", "-1", "1.5", "x", ""]) expect(() => countOf(text)).toThrow("--limit");
});

test("withStore() says so if there is no mail in the folder", async () => {
  const work = withStore({ data: "/nonexistent/gw" }, () => 0);
  await expect(work).rejects.toThrow("/nonexistent/gw holds no mail yet");
});
