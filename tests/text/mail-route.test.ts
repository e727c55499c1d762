import { expect, test } from "bun:test";
import { parsePlace, parseRouteMask } from "../../src/text/mail-route.ts";

const PLACES: [string, ReturnType<typeof parsePlace>][] = [
  ["example.org", { kind: "mx", domain: "example.org" }],
  ["[Example.org]", { kind: "host", host: "example.org", port: 25 }],
  ["example.org:26", { kind: "host", host: "example.org", port: 26 }],
  ["[IPv6:2001:db8::1]:26", { kind: "host", host: "2001:db8::1", port: 26 }],
  ["unix:/run/lmtp", { kind: "socket", path: "/run/lmtp" }],
  ["unix:lmtp", undefined],
  [`unix:/${"a".repeat(100)}`, undefined],
  ["2001:db8::1", undefined],
  ["host:0", undefined],
  ["", undefined],
];

test.each(PLACES)("parsePlace() of %p", (text, place) => {
  expect(parsePlace(text)).toEqual(place);
});

const MASKS: [string, string | undefined][] = [
  ["*", "*"],
  ["Example.org", "example.org"],
  ["*.Bücher.example", "*.xn--bcher-kva.example"],
  ["*@example.org", "example.org"],
  ["Boss@Example.org", "boss@example.org"],
  ["a@[192.0.2.1]", "a@[192.0.2.1]"],
  ["a*@example.org", undefined],
  ["@example.org", undefined],
  ["exa*mple.org", undefined],
];

test.each(MASKS)("parseRouteMask() of %p", (mask, key) => {
  expect(parseRouteMask(mask)).toBe(key);
});
