import { describe, expect, test } from "bun:test";
import type { Type } from "../../src/config/field.ts";
import * as types from "../../src/config/types.ts";
import { Routes } from "../../src/outbound/routes.ts";

const range = { min: "1KB", max: "1GB" };
const time = { min: "1s", max: "1d" };

const RIGHT: readonly (readonly [string, Type<unknown>, unknown, unknown])[] = [
  ["flag", types.flag(), true, true],
  ["integer", types.integer({ min: 1, max: 9 }), 9, 9],
  ["size", types.size(range), "256KB", 262144],
  ["size in small letters with a space", types.size(range), "1 mb", 1048576],
  ["size at its end", types.size(range), "1GB", 2 ** 30],
  ["duration", types.duration(time), "90s", 90_000],
  ["duration in milliseconds", types.duration(time), "1500ms", 1500],
  ["word", types.oneOf(["a", "b"]), "b", "b"],
  ["path", types.path(), "/srv/gw", "/srv/gw"],
  ["no path", types.path({ orEmpty: true }), "", ""],
  ["secret", types.secret(), "s3cret", "s3cret"],
  ["hostname", types.hostname(), "mx1.example.org", "mx1.example.org"],
  ["own hostname", types.hostname(), "", ""],
  ["mailbox", types.mailbox(), "post.master@example.org", "post.master@example.org"],
  ["IPv4 endpoint", types.endpoint(), "127.0.0.1:0", "127.0.0.1:0"],
  ["IPv6 endpoint", types.endpoint(), "[::1]:2525", "[::1]:2525"],
  ["resolver", types.resolver(), "192.0.2.53", "192.0.2.53"],
  ["IPv6 resolver", types.resolver(), "2001:db8::53", "2001:db8::53"],
  ["IPv6 resolver with port", types.resolver(), "[2001:db8::53]:5353", "[2001:db8::53]:5353"],
  ["network", types.network(), "10.0.0.0/8", "10.0.0.0/8"],
  ["single address", types.network(), "::1", "::1"],
  ["mask of all", types.domainMask(), "*", "*"],
  ["mask of subdomains", types.domainMask(), "*.bücher.example", "*.bücher.example"],
  ["route to an address", types.route(), "example.org [192.0.2.1]", "example.org [192.0.2.1]"],
  ["route to a port", types.route(), "* [2001:db8::1]:26", "* [2001:db8::1]:26"],
  ["route of one address", types.route(), "me@a.org [::1]", "me@a.org [::1]"],
  ["route to a host", types.route(), "*.a.org [mx.b.org]:26", "*.a.org [mx.b.org]:26"],
  ["route to a domain's MX", types.route(), "*.a.org   b.org", "*.a.org   b.org"],
  ["empty list", types.list(types.network()), [], []],
  ["list", types.list(types.network()), ["::1"], ["::1"]],
];

const WRONG: readonly (readonly [string, Type<unknown>, unknown])[] = [
  ["flag as text", types.flag(), "true"],
  ["integer above its end", types.integer({ min: 1, max: 9 }), 10],
  ["integer with a fraction", types.integer({ min: 1, max: 9 }), 1.5],
  ["infinite integer", types.integer({ min: 1, max: 9 }), Number.POSITIVE_INFINITY],
  ["negative size", types.size(range), "-1MB"],
  ["size below its end", types.size(range), "1023B"],
  ["size beyond safe integers", types.size(range), "999999999999999GB"],
  ["size without number", types.size(range), "MB"],
  ["duration of two units", types.duration(time), "1h30m"],
  ["word of another case", types.oneOf(["a", "b"]), "A"],
  ["relative path", types.path(), "srv/gw"],
  ["empty path", types.path(), ""],
  ["path with NUL", types.path(), "/srv/\0gw"],
  ["hostname with a space", types.hostname(), "mx 1"],
  ["hostname with an empty label", types.hostname(), "mx..example.org"],
  ["overlong hostname", types.hostname(), `${"a.".repeat(130)}org`],
  ["mailbox in brackets", types.mailbox(), "<a@example.org>"],
  ["endpoint without port", types.endpoint(), "127.0.0.1"],
  ["bare IPv6 endpoint", types.endpoint(), "::1:25"],
  ["IPv4 in brackets with a bad octet", types.endpoint(), "[127.0.0.256]:25"],
  ["port too large", types.endpoint(), "127.0.0.1:65536"],
  ["network with a long mask", types.network(), "10.0.0.0/33"],
  ["network of words", types.network(), "localhost"],
  ["star inside a mask", types.domainMask(), "a.*.org"],
  ["route of one word", types.route(), "example.org"],
  ["route of three words", types.route(), "a.org b.org c.org"],
  ["route to port 0", types.route(), "a.org [192.0.2.1]:0"],
  ["route to a mask", types.route(), "a.org *.b.org"],
  ["text for a list", types.list(types.network()), "::1"],
];

describe("types of settings", () => {
  test.each(RIGHT)("read a %s", (_, type, raw, value) => {
    expect(type.read(raw)).toEqual({ kind: "value", value });
  });

  test.each(RIGHT)("write a %s so that it reads the same", (_, type, raw) => {
    const reading = type.read(raw);
    if (reading.kind !== "value" || type.isSecret === true) return;
    const written = JSON.parse(type.write(reading.value));
    expect(type.read(written)).toEqual(reading);
  });

  test.each(WRONG)("refuse a %s", (_, type, raw) => {
    expect(type.read(raw)).toEqual({ kind: "wrong", expected: type.expected });
  });

  test("list() names the wrong element and what it should be", () => {
    const element = types.network();
    expect(types.list(element).read(["::1", 5])).toEqual({
      kind: "wrong",
      expected: element.expected,
      element: 1,
    });
  });

  test("secret() never writes its value", () => {
    expect(types.secret().write("s3cret")).toBe('"(set)"');
    expect(types.secret().write("")).toBe('""');
  });
});

describe("route()", () => {
  const accepts = (line: string) => {
    try {
      Routes.parse([line]);
      return true;
    } catch {
      return false;
    }
  };

  test.each([
    "example.org [192.0.2.1]",
    "* [2001:db8::1]:26",
    "* [mx.example.org:26]",
    "a.org b.org:26",
    "a.org 192.0.2.1:26",
    "a.org [IPv6:2001:db8::1]",
    "a.org 2001:db8::1",
    "*a.org b",
    "user@a.org b.org",
    "*@a.org b.org",
    "us*r@a.org b.org",
    "@a.org b.org",
    "user@[192.0.2.1] b.org",
    "user@[ipv6:::1] b.org",
    "user@*.org b.org",
    "a.org [192.0.2.1:25]",
    "a.org [x]:0",
    "a.org [x]:65536",
    "bücher.example [192.0.2.4]",
    "a.org []",
    "a.org b.org.",
    "a.org. b.org",
    "a?.org b.org",
    "[192.0.2.1] b.org",
    "  a.org   b.org  ",
  ])("takes %p if and only if the router does", (line) => {
    expect(types.route().read(line).kind === "value").toBe(accepts(line));
  });
});
