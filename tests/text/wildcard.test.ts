import { describe, expect, test } from "bun:test";
import { coversWildcard, matchesWildcard } from "../../src/text/wildcard.ts";

describe("matchesWildcard()", () => {
  test.each([
    ["*", "", true],
    ["*", "anything", true],
    ["?", "a", true],
    ["?", "", false],
    ["*.exe", "a.exe", true],
    ["*.exe", "a.exe.txt", false],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["*ab", "aab", true],
    ["in?oice.*", "invoice.pdf", true],
    ["", "", true],
    ["", "a", false],
    ["a.c", "abc", false],
  ])("of %p and %p is %p", (mask, text, expected) => {
    expect(matchesWildcard(mask, text)).toBe(expected);
  });

  test("takes no more than mask times text steps on a mask made to be slow", () => {
    const mask = `${"*a".repeat(200)}b`;
    expect(matchesWildcard(mask, "a".repeat(20_000))).toBe(false);
  });
});

describe("coversWildcard()", () => {
  test.each([
    ["*", "*@example.org", true],
    ["*@example.org", "bob@example.org", true],
    ["*@example.org", "*@example.org", true],
    ["*@*.org", "*@example.org", true],
    ["b?b@example.org", "*@example.org", false],
    ["b?b@example.org", "b?b@example.org", true],
    ["bob@example.org", "*@example.org", false],
    ["?@example.org", "*@example.org", false],
    ["a*", "*", false],
  ])("of %p and %p is %p", (outer, inner, expected) => {
    expect(coversWildcard(outer, inner)).toBe(expected);
  });
});
