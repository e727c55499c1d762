import { expect, test } from "bun:test";
import { isMessageId, MessageIds } from "../../src/base/message-id.ts";
import { ManualClock } from "../store/samples.ts";

test("next() gives ids that sort by time, also within a millisecond and after a step back", () => {
  const clock = new ManualClock();
  const ids = new MessageIds(clock, Math.random);
  const made: string[] = [];
  for (const step of [0, 0, 1, 0, -5_000, 0, 10_000]) {
    clock.advance(step);
    made.push(ids.next());
  }
  expect(made.toSorted()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
  expect(made.every(isMessageId)).toBe(true);
});

test.each([0, 0.999_999_999_999])("next() has its length whatever chance gives (%p)", (chance) => {
  const ids = new MessageIds({ now: () => 0x1_ffff_ffff_fff, steady: () => 0 }, () => chance);
  expect(ids.next()).toMatch(/^[0-9A-Za-z]{14}$/);
});

test.each([
  ["0VbjixCgCVTWHK", true],
  ["01234567890", true],
  ["0123456789", false],
  ["0123456789.", false],
  ["../../../../etc", false],
  ["a".repeat(65), false],
])("isMessageId(%p) is %p", (text, isId) => {
  expect(isMessageId(text)).toBe(isId);
});
