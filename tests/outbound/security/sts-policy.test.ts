import { expect, test } from "bun:test";
import { parsePolicy, policyId, policyNames } from "../../../src/outbound/security/sts-policy.ts";

const IDS: [string[], string | undefined][] = [
  [["v=STSv1; id=20160831085700Z;"], "20160831085700Z"],
  [["v=STSv1;id=1"], "1"],
  [["spf", "v=STSv1; id=1; more=x"], "1"],
  [["v=STSv1; id=1", "v=STSv1; id=2"], undefined],
  [["v=STSv1; id=a-b"], undefined],
  [["v=STSv1"], undefined],
  [[], undefined],
];

test.each(IDS)("policyId() of %j", (records, id) => {
  expect(policyId(records)).toBe(id);
});

test("parsePolicy() reads a policy, the first of keys that come twice, and bounds its age", () => {
  const text =
    "version: STSv1\nmode: enforce\nmode: none\nmx: MX.example.org.\nmx:*.b.example\nmax_age: 9999999999\n";
  expect(parsePolicy(text)).toEqual({
    mode: "enforce",
    mx: ["mx.example.org", "*.b.example"],
    maxAgeMs: 31_557_600_000,
  });
});

test.each([
  "version: STSv2\nmode: none\nmax_age: 1",
  "version: STSv1\nmode: maybe\nmx: a\nmax_age: 1",
  "version: STSv1\nmode: enforce\nmax_age: 1",
  "version: STSv1\nmode: none\nmax_age: x",
  "version: STSv1\nmode: none",
  "",
])("parsePolicy() refuses %j", (text) => {
  expect(parsePolicy(text)).toBeUndefined();
});

const NAMES: [string, string, boolean][] = [
  ["mx.a.example", "mx.a.example", true],
  ["*.a.example", "mx.a.example", true],
  ["*.a.example", "a.example", false],
  ["*.a.example", "x.mx.a.example", false],
  ["mx.a.example", "mx.b.example", false],
];

test.each(NAMES)("a policy of %s and the host %s", (pattern, host, isNamed) => {
  expect(policyNames({ mode: "enforce", mx: [pattern], maxAgeMs: 1 }, host)).toBe(isNamed);
});
