import { expect, test } from "bun:test";
import { isForged, withoutForged } from "../../src/entity/forged.ts";

test.each([
  ["Authentication-Results: gw.example.org; spf=pass", true],
  ["authentication-results : GW.example.org;\r\n spf=pass", true],
  ["Authentication-Results: gw.example.org 1; none", true],
  ["Authentication-Results: (a (nested) comment) gw.example.org; none", true],
  ["Authentication-Results:\r\n\tgw.example.org; none", true],
  ['Authentication-Results: "gw.example.org"; none', true],
  ['Authentication-Results: "gw\\.example.org"; none', true],
  ["Authentication-Results: gw.example.org", true],
  ["X-Gw-Tag: in_dnsbl", true],
  ["Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=gw.example.org", false],
  ["Authentication-Results: gw.example.org.evil.example; none", false],
  ["Authentication-Results:", false],
  ["Subject: Authentication-Results: gw.example.org;", false],
])("isForged(%p) is %p", (field, expected) => {
  expect(isForged(field, "gw.example.org")).toBe(expected);
});

test("withoutForged() takes whole fields out and leaves every other byte", () => {
  const mine = "Authentication-Results: gw.example.org;\r\n spf=pass;\r\n\tdkim=pass\r\n";
  const other = "Authentication-Results: mx.example.org;\r\n spf=pass\r\n";
  const header = `Received: a\r\n${mine}${other}X-Gw-Tag: x\nSubject:  b \r\n c\r\n${mine}\r\n`;
  expect(withoutForged(header, "gw.example.org")).toBe(
    `Received: a\r\n${other}Subject:  b \r\n c\r\n\r\n`,
  );
  expect(withoutForged(mine.slice(0, -2), "gw.example.org")).toBe("");
  expect(withoutForged("", "gw.example.org")).toBe("");
});
