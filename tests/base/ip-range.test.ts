import { expect, test } from "bun:test";
import { IpRanges, siteOf } from "../../src/base/ip-range.ts";

test.each([
  ["192.0.2.0/24", "192.0.2.0", true],
  ["192.0.2.0/24", "192.0.2.255", true],
  ["192.0.2.0/24", "192.0.3.0", false],
  ["192.0.2.77/24", "192.0.2.1", true],
  ["192.0.2.1", "192.0.2.1", true],
  ["192.0.2.1", "192.0.2.2", false],
  ["192.0.2.1/32", "192.0.2.1", true],
  ["0.0.0.0/0", "203.0.113.9", true],
  ["0.0.0.0/0", "2001:db8::1", false],
  ["::/0", "2001:db8::1", true],
  ["::/0", "203.0.113.9", false],
  ["2001:db8::/32", "2001:db8:ffff::1", true],
  ["2001:db8::/32", "2001:db9::", false],
  ["2001:db8::/33", "2001:db8:8000::", false],
  ["::1/128", "::1", true],
  ["::1", "0:0:0:0:0:0:0:1", true],
  ["fe80::/10", "fe80::1%eth0", true],
  // An IPv4 client of a socket on [::].
  ["192.0.2.0/24", "::ffff:192.0.2.9", true],
  ["192.0.2.0/24", "::ffff:c000:0209", true],
  ["::ffff:192.0.2.0/120", "192.0.2.9", true],
  ["::ffff:192.0.2.0/120", "192.0.3.9", false],
  ["192.0.2.0/24", "192.0.2.9.evil.example", false],
  ["192.0.2.0/24", "", false],
])("IpRanges of %s: contains(%s) is %p", (network, address, expected) => {
  expect(new IpRanges([network]).contains(address)).toBe(expected);
});

test("IpRanges looks at all its networks, and holds nothing when it has none", () => {
  const ranges = new IpRanges(["192.0.2.0/24", "2001:db8::/32"]);
  expect(ranges.contains("192.0.2.1")).toBe(true);
  expect(ranges.contains("2001:db8::1")).toBe(true);
  expect(new IpRanges([]).contains("192.0.2.1")).toBe(false);
});

test.each(["", "example.org", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/", "192.0.2.0/8/8"])(
  "IpRanges refuses %p",
  (network) => {
    expect(() => new IpRanges([network])).toThrow("not a network");
  },
);

test.each(["::/129", "::ffff:192.0.2.0/95", "1.2.3/24", "192.0.2.0/2x"])(
  "IpRanges refuses %p too",
  (network) => {
    expect(() => new IpRanges([network])).toThrow(JSON.stringify(network));
  },
);

test("siteOf() counts an IPv6 client by its /64, an IPv4 client by its address", () => {
  expect(siteOf("2001:db8:1:2:3::4")).toBe(siteOf("2001:db8:1:2:ffff::1"));
  expect(siteOf("2001:db8:1:2::1")).not.toBe(siteOf("2001:db8:1:3::1"));
  expect(siteOf("192.0.2.1")).toBe("192.0.2.1");
  expect(siteOf("192.0.2.1")).not.toBe(siteOf("192.0.2.2"));
});
