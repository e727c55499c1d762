import { describe, expect, test } from "bun:test";
import { isDomain, isDomainMask, parseEndpoint, parsePort } from "../../src/base/endpoint.ts";

describe("parseEndpoint()", () => {
  test.each([
    ["192.0.2.1:25", { address: "192.0.2.1", port: 25 }],
    ["[2001:db8::1]:0", { address: "2001:db8::1", port: 0 }],
  ])("reads %s", (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  test.each([
    ["192.0.2.53", "192.0.2.53"],
    ["2001:db8::53", "2001:db8::53"],
    ["[2001:db8::53]", "2001:db8::53"],
  ])("gives %s the default port", (text, address) => {
    expect(parseEndpoint(text, 53)).toEqual({ address, port: 53 });
  });

  test.each(["", ":25", "192.0.2.1", "192.0.2.1:", "192.0.2.256:25", "2001:db8::1:25", "a.org:25"])(
    "refuses %p",
    (text) => {
      expect(parseEndpoint(text)).toBeUndefined();
    },
  );
});

test.each([
  ["0", 0],
  ["65535", 65535],
  ["65536", undefined],
  ["-1", undefined],
  ["1e3", undefined],
  ["", undefined],
])("parsePort(%p) is %p", (text, port) => {
  expect(parsePort(text)).toBe(port as never);
});

describe("domains", () => {
  test.each(["a", "example.org", "xn--bcher-kva.example", "bücher.example", "_spf.example.org"])(
    "isDomain() takes %s",
    (text) => expect(isDomain(text)).toBe(true),
  );

  test.each([
    "",
    ".",
    "a.",
    ".a",
    "-a.org",
    "a-.org",
    "a b",
    "a..b",
    "a@b",
    `${"a".repeat(64)}.org`,
  ])("isDomain() refuses %p", (text) => expect(isDomain(text)).toBe(false));

  test.each([
    ["*", true],
    ["*.example.org", true],
    ["example.org", true],
    ["*example.org", false],
    ["a.*.org", false],
    ["*.*", false],
  ])("isDomainMask(%s) is %p", (text, isMask) => {
    expect(isDomainMask(text)).toBe(isMask);
  });
});
