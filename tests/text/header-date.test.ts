import { expect, test } from "bun:test";
import { headerDate } from "../../src/text/header-date.ts";

test("headerDate() is RFC 5322 §3.3 in UTC", () => {
  expect(headerDate(0)).toBe("Thu, 01 Jan 1970 00:00:00 +0000");
});
