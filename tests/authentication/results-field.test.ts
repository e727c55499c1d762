import { expect, test } from "bun:test";
import { resultsField } from "../../src/authentication/results-field.ts";
import type { Authentication } from "../../src/message.ts";

const AUTHENTICATION: Authentication = {
  spf: { result: "pass", domain: "example.net" },
  dkim: [
    { result: "pass", domain: "example.net", selector: "s1" },
    { result: "fail", domain: "example.com", selector: "s2" },
  ],
  dmarc: { result: "pass", domain: "example.net", policy: "reject" },
  arc: { result: "none", domain: "" },
};

test("resultsField() says each check on a line of its own", () => {
  expect(resultsField("gw.example.org", AUTHENTICATION, { isNullSender: false })).toBe(
    "Authentication-Results: gw.example.org;\r\n" +
      "\tspf=pass smtp.mailfrom=example.net;\r\n" +
      "\tdkim=pass header.d=example.net header.s=s1;\r\n" +
      "\tdkim=fail header.d=example.com header.s=s2;\r\n" +
      "\tdmarc=pass (p=reject) header.from=example.net\r\n",
  );
});

test("resultsField() names the HELO name for the null sender, and the chain's last seal", () => {
  const none = { result: "none", domain: "" } as const;
  const field = resultsField(
    "gw.example.org",
    {
      spf: { result: "softfail", domain: "mail.example.net" },
      dkim: [],
      dmarc: { ...none, policy: "none" },
      arc: { result: "pass", domain: "lists.example" },
    },
    { isNullSender: true },
  );
  expect(field).toBe(
    "Authentication-Results: gw.example.org;\r\n\tspf=softfail smtp.helo=mail.example.net;\r\n" +
      "\tdkim=none;\r\n\tdmarc=none;\r\n\tarc=pass header.d=lists.example\r\n",
  );
});

test("what a stranger wrote can't end the field or say more than its place allows", () => {
  const domain = 'x"; dkim=pass\r\nEvil: yes\\';
  const spf = { result: "pass", domain } as const;
  const field = resultsField("gw", { ...AUTHENTICATION, spf }, { isNullSender: false });
  expect(field).toContain('smtp.mailfrom="x?; dkim=pass??Evil: yes?"');
});
