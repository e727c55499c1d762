// Links against lists. What ClamAV 1.4.6 says of the same page in a mail was recorded with
// `clamscan -d`; where gw says otherwise on purpose, the name tells.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { NO_LISTS, type SetLists } from "../../src/gwdb/lists/lists.ts";
import { PhishingLists } from "../../src/scan/phishing/phishing.ts";

const host = (display: string, real = "") => ({ kind: "hosts", real, display }) as const;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const POSED: SetLists = { ...NO_LISTS, posed: [host("paypal.com")] };
const BY_EXPRESSION: SetLists = {
  ...NO_LISTS,
  posed: [{ kind: "both", expression: ".+\\.paypal\\.(com|de)" }],
};
const ALLOWED = { ...POSED, allowed: [host("www.paypal.com", "evil.example.com")] };

const link = (href: string, text: string) => `<html><body><a href="${href}">${text}</a></body>`;
const EVIL = "http://evil.example.com/x";

function found(lists: SetLists, page: string, about = { type: "html", containerType: "mail" }) {
  const findings = new PhishingLists(lists).check({ bytes: Buffer.from(page, "latin1"), ...about });
  return findings.map(({ signature }) => signature.replace("Heuristics.Phishing.", ""));
}

const SPOOFED = ["Email.SpoofedDomain"];
const SSL = ["Email.SSL-Spoof"];

test.each<[title: string, page: string, found: readonly string[]]>([
  ["another host", link(EVIL, "http://www.paypal.com/login"), SPOOFED],
  ["another host behind https", link(EVIL, "https://www.paypal.com/login"), SSL],
  ["a host without a scheme", link(EVIL, "www.paypal.com"), SPOOFED],
  ["the bare domain", link(EVIL, "paypal.com"), SPOOFED],
  ["an address in a sentence", link(EVIL, "Please visit http://www.paypal.com/ now"), SPOOFED],
  ["an address in pieces", '<a href="http://e.org"><b>https://</b>www.<i>paypal</i>.com</a>', SSL],
  ["a picture", `<a href="${EVIL}"><img src="http://www.paypal.com/a.gif"></a>`, SPOOFED],
  ["a title", `<a href="${EVIL}" title="http://www.paypal.com/">x</a>`, SPOOFED],
  ["a number for a host", link("http://3221225985/x", "http://www.paypal.com/"), SPOOFED],
  ["an IP address", link("http://192.0.2.5/x", "http://www.paypal.com/"), SPOOFED],
  ["a user", link("http://www.paypal.com@evil.example.com/x", "http://www.paypal.com/"), SPOOFED],
  [
    "a NUL in the host",
    link("http://www.paypal.com%00.evil.example.com/x", "http://www.paypal.com/"),
    ["Email.Cloaked.Null"],
  ],
  ["the same host without TLS", link("http://www.paypal.com/x", "https://www.paypal.com/x"), SSL],
  ["the same domain", link("http://x.paypal.com/x", "http://www.paypal.com/login"), []],
  ["no address", link(EVIL, "Click here"), []],
  ["an address that nobody lists", link(EVIL, "http://www.other.com/"), []],
  ["a host that only begins so", link(EVIL, "http://www.paypal.com.evil.org/"), []],
  ["an address of mail", link(EVIL, "somebody@paypal.com"), []],
  ["a link within the page", link("#top", "www.paypal.com"), []],
  ["capitals without quotes (gw alone)", "<A HREF=HTTP://EVIL.org/x>WWW.PAYPAL.COM</A>", SPOOFED],
  ["references", link("http&#58;//evil.example.com", "www&#46;paypal&period;com"), SPOOFED],
])("a link that shows %s", (_, page, expected) => {
  expect(found(POSED, page)).toEqual([...expected]);
});

test("expressions are about where a link leads and what it shows", () => {
  expect(found(BY_EXPRESSION, link(EVIL, "http://www.paypal.de"))).toEqual(SPOOFED);
  expect(found(BY_EXPRESSION, link(EVIL, "http://www.paypal.fr"))).toEqual([]);
});

test("what is allowed is not reported, and nothing beside it is allowed", () => {
  expect(found(ALLOWED, link(EVIL, "http://www.paypal.com"))).toEqual([]);
  expect(found(ALLOWED, link("http://192.0.2.5/", "http://www.paypal.com"))).toEqual(SPOOFED);
  const expression = "http://evil\\.example\\.com(/.*)?:.+\\.paypal\\.com/";
  const other: SetLists = { ...POSED, allowed: [{ kind: "both", expression }] };
  expect(found(other, link(EVIL, "http://www.paypal.com/"))).toEqual([]);
  const real: SetLists = { ...POSED, allowed: [{ kind: "real", expression: ".*evil.*" }] };
  expect(found(real, link(EVIL, "http://www.paypal.com/"))).toEqual([]);
});

const listed = (address: string, as: "malware" | "blocked" | "phishing" | "allowed") => ({
  [sha256(address)]: as,
});
const MALWARE = ["Heuristics.Safebrowsing.Suspected-malware_safebrowsing.clamav.net"];

test.each<[title: string, addresses: SetLists["addresses"], found: readonly string[]]>([
  ["the host", listed("evil.example.com/", "malware"), MALWARE],
  ["the whole address", listed("evil.example.com/x", "blocked"), ["URL.Blocked"]],
  ["a domain above it", listed("example.com/", "malware"), MALWARE],
  ["another path", listed("evil.example.com/y", "malware"), []],
  [
    "the host, and allowed",
    { ...listed("evil.example.com/x", "malware"), ...listed("evil.example.com/", "allowed") },
    [],
  ],
])("an address is found by the hash of %s", (_, addresses, expected) => {
  expect(found({ ...NO_LISTS, addresses }, link(EVIL, "here"))).toEqual([...expected]);
});

test("addresses are looked for in forms, frames and plain text, but in mail only", () => {
  const lists = { ...NO_LISTS, addresses: listed("evil.example.com/", "malware") };
  const text = { type: "text", containerType: "mail" };
  expect(found(lists, `<form action="${EVIL}"><input>`)).toEqual(MALWARE);
  expect(found(lists, `<iframe src='${EVIL}'>`)).toEqual(MALWARE);
  expect(found(lists, `see ${EVIL} now`, text)).toEqual(MALWARE);
  expect(found(lists, link(EVIL, "x"), { type: "html", containerType: "zip" })).toEqual([]);
});

test("hostile pages end", () => {
  const pages = [
    '<a href="http://www.paypal.com" '.repeat(20_000),
    `<a ${"x ".repeat(200_000)}`,
    `<a href="${"&#".repeat(100_000)}`,
    `${link(EVIL, "a.".repeat(100_000))}`,
    "<".repeat(300_000),
    `<a href='http://e.org'>${"www.paypal.com ".repeat(50_000)}`,
  ];
  for (const page of pages) expect(found(POSED, page).length).toBeLessThanOrEqual(3);
});
