import { expect, test } from "bun:test";
import type { RouteSettings } from "../../src/config/tables.ts";
import { hopKey, type NextHop } from "../../src/outbound/route.ts";
import { Routes } from "../../src/outbound/routes.ts";

const host = (name: string, port = 25): NextHop => ({ kind: "host", host: name, port });
const mx = (domain: string): NextHop => ({ kind: "mx", domain });

const TARGETS: [string, NextHop][] = [
  ["[mail.example.net]", host("mail.example.net")],
  ["[mail.example.net]:2525", host("mail.example.net", 2525)],
  ["[192.0.2.1]", host("192.0.2.1")],
  ["[192.0.2.1]:26", host("192.0.2.1", 26)],
  ["[2001:db8::1]:26", host("2001:db8::1", 26)],
  ["[IPv6:2001:db8::1]", host("2001:db8::1")],
  ["192.0.2.1", host("192.0.2.1")],
  ["192.0.2.1:26", host("192.0.2.1", 26)],
  ["localhost:2525", host("localhost", 2525)],
  ["Relay.Example.NET", mx("relay.example.net")],
  ["bücher.example", mx("xn--bcher-kva.example")],
];

test.each(TARGETS)("Routes.parse() takes the next hop %s", (target, expected) => {
  expect(Routes.parse([`* ${target}`]).nextHop("a@example.org")).toEqual(expected);
});

const MASKS: [string, string, boolean][] = [
  ["example.org", "a@example.org", true],
  ["example.org", "a@EXAMPLE.ORG", true],
  ["example.org", "a@example.org.", true],
  ["example.org", "a@sub.example.org", false],
  ["example.org", "a@notexample.org", false],
  ["*.example.org", "a@sub.example.org", true],
  ["*.example.org", "a@very.deep.sub.example.org", true],
  ["*.example.org", "a@example.org", false],
  ["*.Example.ORG", "a@sub.example.org", true],
  ["*", "a@example.org", true],
  ["*", "postmaster", true],
  ["*@example.org", "a@example.org", true],
  ["chief@example.org", "Chief@example.org", true],
  ["chief@example.org", "other@example.org", false],
  ["chief@example.org", "chief@example.com", false],
  ["bücher.example", "a@xn--bcher-kva.example", true],
  ["xn--bcher-kva.example", "a@BÜCHER.example", true],
  ["example.org", '"a@b"@example.org', true],
];

test.each(MASKS)("the mask %s and the recipient %s: %p", (mask, address, isMatch) => {
  const hop = Routes.parse([`${mask} [192.0.2.9]`]).nextHop(address);
  expect(hop.kind === "host").toBe(isMatch);
});

test("the first route that matches wins, whatever is more exact", () => {
  const routes = Routes.parse([
    "*.example.org [192.0.2.1]",
    "a@sub.example.org [192.0.2.2]",
    "sub.example.org [192.0.2.3]",
    "chief@example.org [192.0.2.4]",
    "example.org [192.0.2.5]",
    "example.org [192.0.2.6]",
    "* [192.0.2.7]",
  ]);
  expect(routes.nextHop("a@sub.example.org")).toEqual(host("192.0.2.1"));
  expect(routes.nextHop("chief@example.org")).toEqual(host("192.0.2.4"));
  expect(routes.nextHop("other@example.org")).toEqual(host("192.0.2.5"));
  expect(routes.nextHop("a@example.com")).toEqual(host("192.0.2.7"));
});

test("without a route mail goes to the domain's MX, or to the address in the domain", () => {
  const routes = Routes.parse([]);
  expect(routes.nextHop("a@Example.org")).toEqual(mx("example.org"));
  expect(routes.nextHop("a@[192.0.2.1]")).toEqual(host("192.0.2.1"));
  expect(routes.nextHop("a@[IPv6:2001:db8::1]")).toEqual(host("2001:db8::1"));
  expect(routes.nextHop("postmaster")).toEqual(mx(""));
});

const WRONG: [string, string][] = [
  ["example.org", "expected a mask and a next hop"],
  ["example.org [192.0.2.1] more", "expected a mask and a next hop"],
  ["", "expected a mask and a next hop"],
  ["exa*mple.org [192.0.2.1]", '"exa*mple.org" is no mask'],
  ["a*@example.org [192.0.2.1]", '"a*@example.org" is no mask'],
  ["@example.org [192.0.2.1]", '"@example.org" is no mask'],
  ["example.org [192.0.2.1", '"[192.0.2.1" is no next hop'],
  ["example.org 192.0.2.1:99999", '"192.0.2.1:99999" is no next hop'],
  ["example.org host:0", '"host:0" is no next hop'],
  ["example.org []", '"[]" is no next hop'],
  ["example.org smtp://host", '"smtp://host" is no next hop'],
];

test.each(WRONG)("Routes.parse() refuses %p and names it", (line, why) => {
  const parse = () => Routes.parse(["* [192.0.2.1]", line]);
  expect(parse).toThrow(`route 2 (${JSON.stringify(line)}): ${why}`);
});

test("hopKey() tells next hops apart", () => {
  const hops = [mx("a.example"), host("a.example"), host("a.example", 26), mx("b.example")];
  expect(new Set(hops.map(hopKey)).size).toBe(hops.length);
});

const TABLE: RouteSettings = {
  to: ["example.org", "chief@example.net"],
  hosts: ["[192.0.2.1]", "unix:/run/lmtp", "relay.example.net"],
  balance: true,
  protocol: "lmtp",
  user: "gw",
  password: "secret",
  tls: "required",
  sessions_max: 3,
  retry_min: 1000,
  lifetime: 2000,
};

test("a [[route]] comes before the lines and has terms and delays of its own", () => {
  const routes = Routes.parse(["* [192.0.2.9]", "*.example.org [192.0.2.8]"], [TABLE]);
  const hop = routes.nextHop("a@example.org");
  expect(hop).toMatchObject({
    kind: "relay",
    places: [host("192.0.2.1"), { kind: "socket", path: "/run/lmtp" }, mx("relay.example.net")],
    isBalanced: true,
    terms: {
      protocol: "lmtp",
      login: { user: "gw", password: "secret" },
      tls: "required",
      sessionsMax: 3,
    },
  });
  expect(routes.nextHop("Chief@example.net")).toEqual(hop);
  expect(routes.nextHop("other@example.net")).toEqual(host("192.0.2.9"));
  expect(routes.retry("a@example.org")).toEqual({ delayMinMs: 1000, lifetimeMs: 2000 });
  expect(routes.retry("a@sub.example.org")).toEqual({});
  const changed = Routes.parse([], [{ ...TABLE, password: "new" }]);
  expect(hopKey(changed.nextHop("a@example.org"))).not.toBe(hopKey(hop));
});

test("certificates that can't be read are named with their route", () => {
  const parse = (path: string) => () => Routes.parse([], [TABLE, { ...TABLE, tls_ca: path }]);
  expect(parse("/nonexistent/ca.pem")).toThrow("[[route]] 2: tls_ca: ENOENT");
  expect(parse("package.json")).toThrow("package.json holds no certificate");
});
