import { expect, test } from "bun:test";
import {
  comparableDomain,
  isNonAscii,
  parseMailbox,
  splitPath,
} from "../../src/inbound/address.ts";

test.each([
  ["<a@b.example>", "a@b.example", ""],
  [" <a@b.example>", "a@b.example", ""],
  ["<a@b.example> SIZE=1 BODY=7BIT", "a@b.example", "SIZE=1 BODY=7BIT"],
  ["<>", "", ""],
  ['<"a>b"@c.example> X', '"a>b"@c.example', "X"],
  ['<"a\\">b"@c.example>', '"a\\">b"@c.example', ""],
])("splitPath(%p) finds path and parameters", (text, path, parameters) => {
  expect(splitPath(text)).toEqual({ path, parameters });
});

test.each([
  "",
  "a@b.example",
  "<a@b.example",
  "<a@b.example>x",
  '<"a@b.example>',
  "x<a@b.example>",
])("splitPath(%p) finds none", (text) => {
  expect(splitPath(text)).toBeUndefined();
});

test("splitPath() stops looking for the bracket after a kilobyte", () => {
  expect(splitPath(`<${"x".repeat(2000)}>`)).toBeUndefined();
});

test.each([
  ["a@example.org", "a", "example.org"],
  ["@hop.example:a@example.org", "a", "example.org"],
  ["@h1.example,@h2.example:a@example.org", "a", "example.org"],
  ["a..b.@example.org", "a..b.", "example.org"],
  ['"a b"@example.org', '"a b"', "example.org"],
  ['"a@b"@example.org', '"a@b"', "example.org"],
  ['"\\"\\\\"@example.org', '"\\"\\\\"', "example.org"],
  ['""@example.org', '""', "example.org"],
  ["a@[192.0.2.1]", "a", "[192.0.2.1]"],
  ["a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"],
  ["a@localhost", "a", "localhost"],
  ["a@under_score.example", "a", "under_score.example"],
  ["имя@пример.example", "имя", "пример.example"],
  ["अ@हिन्दी.example", "अ", "हिन्दी.example"],
  ["a@xn--bcher-kva.example", "a", "xn--bcher-kva.example"],
])("parseMailbox(%p) takes it apart", (path, local, domain) => {
  expect(parseMailbox(path)).toEqual({ address: `${local}@${domain}`, local, domain });
});

test.each([
  [""],
  ["a"],
  ["a@"],
  ["@example.org"],
  ["a@b@example.org"],
  ["a b@example.org"],
  ["a,b@example.org"],
  ["a:b@example.org"],
  ["a(comment)@example.org"],
  ["a@example..org"],
  ["a@.example.org"],
  ["a@example.org."],
  ["a@-example.org"],
  ["a@example-.org"],
  ["a@exa mple.org"],
  ["a@exam/ple.org"],
  ["a@[192.0.2.256]"],
  ["a@[192.0.2.1"],
  ["a@[IPv6:2001:db8::1%eth0]"],
  ["a@[2001:db8::1]"],
  ["a@[IPv6:192.0.2.1]"],
  ['"a"b@example.org'],
  ['"a\\"@example.org'],
  ["@hop.example,:a@example.org"],
  ["a\r@example.org"],
  ["a\0@example.org"],
  ['"a\nb"@example.org'],
  ["a\ufffd@example.org"],
  ["a\u200b@example.org"],
])("parseMailbox(%p) refuses it", (path) => {
  expect(parseMailbox(path)).toBeUndefined();
});

test("parseMailbox() holds to the lengths of RFC 5321 §4.5.3.1, in octets", () => {
  const long = (count: number) => `${"x".repeat(count)}@example.org`;
  expect(parseMailbox(long(64))).toBeDefined();
  expect(parseMailbox(long(65))).toBeUndefined();
  expect(parseMailbox(long(65), 100)).toBeDefined();
  expect(parseMailbox(`${"ü".repeat(32)}@example.org`)).toBeDefined();
  expect(parseMailbox(`${"ü".repeat(33)}@example.org`)).toBeUndefined();
  const labels = (last: number) => `a@${`${"x".repeat(60)}.`.repeat(4)}${"y".repeat(last)}`;
  expect(parseMailbox(labels(8))?.address).toHaveLength(254);
  expect(parseMailbox(labels(9))).toBeUndefined();
  expect(parseMailbox(`a@${"x".repeat(63)}.example`)).toBeDefined();
  expect(parseMailbox(`a@${"x".repeat(64)}.example`)).toBeUndefined();
});

test("parseMailbox() takes no time over hostile paths", () => {
  const hostile = [
    "@a,".repeat(300),
    `"${"\\".repeat(240)}`,
    `${"a.".repeat(120)}@`,
    "@".repeat(250),
  ];
  const start = performance.now();
  for (const path of hostile) expect(parseMailbox(path)).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(50);
});

test.each([
  ["Example.ORG", "example.org"],
  ["BÜCHER.example", "xn--bcher-kva.example"],
  ["XN--BCHER-KVA.example", "xn--bcher-kva.example"],
  ["[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"],
  ["under_score.example", "under_score.example"],
])("comparableDomain(%p) is %p", (domain, expected) => {
  expect(comparableDomain(domain)).toBe(expected);
});

test("isNonAscii() tells what needs SMTPUTF8", () => {
  expect(isNonAscii("a@example.org")).toBe(false);
  expect(isNonAscii("ü@example.org")).toBe(true);
});
