import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey } from "../../src/base/key/signing-key.ts";
import {
  checkTime,
  daysLeft,
  type Entitlement,
  LicenseError,
  readEntitlement,
  signEntitlement,
} from "../../src/license/entitlement.ts";
import { checkFeeds, Licenses } from "../../src/license/licenses.ts";
import { readTraffic, Traffic } from "../../src/license/traffic.ts";

const key = generateKey();
const other = generateKey();
const GOOD: Entitlement = {
  ...{ id: "a1", holder: "Example Ltd", feeds: ["company"] },
  ...{ from: "2026-11-01", until: "2026-11-30", trafficPerDay: 0, mailboxes: 0 },
};
const feed = { name: "company", key: key.publicHex };
const at = (day: string) => Date.parse(day);

let data = "";
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "gw-license-"));
});
afterEach(() => rmSync(data, { recursive: true }));

function faultOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof LicenseError) return `${error.kind}: ${error.message}`;
    throw error;
  }
  return "";
}

const issued = (more: Partial<Entitlement> = {}, by = key) =>
  readEntitlement(signEntitlement({ ...GOOD, ...more }, by));

describe("readEntitlement()", () => {
  test("reads what was signed", () => {
    const { entitlement, key: by } = issued();
    expect(entitlement).toEqual(GOOD);
    expect(by).toBe(key.publicHex);
  });

  test("refuses a file with any byte flipped", () => {
    const text = signEntitlement(GOOD, key);
    for (let i = 0; i < text.length; i++) {
      for (const bit of [1, 0x20]) {
        const flipped = String.fromCharCode(text.charCodeAt(i) ^ bit);
        const fault = faultOf(() => {
          // A flip in the key makes it another key's file, which is wrong all the same.
          checkFeeds(readEntitlement(text.slice(0, i) + flipped + text.slice(i + 1)), [feed]);
        });
        expect(fault).toMatch(/^(malformed|tampered|wrong key): /);
      }
    }
  });

  const BAD: readonly (readonly [string, RegExp])[] = [
    ["", /first line/],
    ["gw license 1\n{}\n", /no signature/],
    [`gw license 2\n{}\ned25519 ${"0".repeat(64)} ${"0".repeat(128)}\n`, /first line/],
    [`gw license 1\n{}\ned25519 ${"0".repeat(64)} ${"0".repeat(128)}\n`, /was changed/],
    [`gw license 1\n${"x".repeat(20_000)}`, /too large/],
    [`${signEntitlement(GOOD, key)}more\n`, /no signature/],
  ];
  test.each(BAD)("refuses %#", (text, expected) => {
    expect(faultOf(() => readEntitlement(text))).toMatch(expected);
  });

  const FIELDS: readonly Partial<Record<keyof Entitlement, unknown>>[] = [
    { id: "../x" },
    { holder: "" },
    { holder: "a\u0007b" },
    { feeds: [] },
    { from: "2026-02-31" },
    { from: "1.12.2026" },
    { until: "2026-10-01" },
    { trafficPerDay: -1 },
    { mailboxes: 1.5 },
  ];
  test.each(FIELDS)("refuses to sign %j", (field) => {
    const [name] = Object.keys(field);
    const fault = faultOf(() => signEntitlement({ ...GOOD, ...field } as Entitlement, key));
    expect(fault).toBe(`malformed: the licence file is malformed: ${name}`);
  });
});

describe("an entitlement's time", () => {
  const TIMES: readonly (readonly [string, string])[] = [
    ["2026-10-31T23:59:59Z", "not yet valid: licence a1 is valid from 2026-11-01 on"],
    ["2026-11-01T00:00:00Z", ""],
    ["2026-11-30T23:59:59Z", ""],
    ["2026-12-01T00:00:00Z", "expired: licence a1 expired: its last day was 2026-11-30"],
  ];
  test.each(TIMES)("at %s", (time, expected) => {
    expect(faultOf(() => checkTime(GOOD, at(time)))).toBe(expected);
  });

  test("has so many days left", () => {
    expect(daysLeft(GOOD, at("2026-11-23T12:00:00Z"))).toBe(7);
    expect(daysLeft(GOOD, at("2026-11-30T23:00:00Z"))).toBe(0);
    expect(daysLeft(GOOD, at("2026-12-01T01:00:00Z"))).toBe(-1);
  });
});

describe("Licenses", () => {
  const now = at("2026-11-23");

  test("tells a wrong key from another feed", () => {
    expect(faultOf(() => checkFeeds(issued({}, other), [feed]))).toMatch(
      /^wrong key: licence a1 is signed with [0-9a-f]{16}…, which is the licence_key of no/,
    );
    expect(faultOf(() => checkFeeds(issued({ feeds: ["x"] }), [feed]))).toBe(
      'other feed: licence a1 is for "x", not for "company"',
    );
  });

  const REASONS: readonly (readonly [string, Partial<Entitlement> | undefined, RegExp])[] = [
    ["none", undefined, /^missing: feed company needs a licence, and none is installed/],
    ["an expired one", { until: "2026-11-20" }, /^expired: /],
    ["one for later", { from: "2026-12-01", until: "2027-01-01" }, /^not yet valid: /],
    ["one for another feed", { feeds: ["x"] }, /^missing: /],
  ];
  test.each(REASONS)("say why a feed is not open with %s", (_, more, expected) => {
    const licenses = new Licenses(data);
    if (more !== undefined) licenses.install(issued(more));
    expect(faultOf(() => licenses.activeFor(feed, now))).toMatch(expected);
  });

  test("use first what ends first; the others are in reserve", () => {
    const licenses = new Licenses(data);
    const long = issued({ id: "long", until: "2027-11-30" });
    const next = issued({ id: "next", from: "2026-12-01", until: "2027-01-01" });
    const old = issued({ id: "old", until: "2026-11-02" });
    const alien = issued({ id: "alien" }, other);
    for (const license of [long, issued(), next, old, alien]) licenses.install(license);
    expect(licenses.activeFor(feed, now).entitlement.id).toBe("a1");
    const standings = licenses.list().map(({ license }) => {
      if (license instanceof LicenseError) throw license;
      return [license.entitlement.id, licenses.standingOf(license, [feed], now)];
    });
    expect(Object.fromEntries(standings)).toEqual({
      ...{ a1: "active", alien: "of no use", long: "reserve", next: "reserve", old: "expired" },
    });
    expect(licenses.activeFor(feed, at("2026-12-05")).entitlement.id).toBe("next");
    expect(licenses.remove("a1")).toBe(true);
    expect(licenses.remove("a1")).toBe(false);
    expect(licenses.remove("../../etc/passwd")).toBe(false);
    expect(licenses.activeFor(feed, now).entitlement.id).toBe("long");
  });

  test("trust no file on disk", () => {
    const licenses = new Licenses(data);
    licenses.install(issued());
    const [name = ""] = readdirSync(join(data, "licenses"));
    const path = join(data, "licenses", name);
    writeFileSync(path, readFileSync(path, "utf8").replace("2026-11-30", "2036-11-30"));
    expect(faultOf(() => licenses.activeFor(feed, now))).toMatch(/^tampered: /);
    expect(licenses.list()[0]?.license).toBeInstanceOf(LicenseError);
  });
});

test("Traffic counts by day, across restarts", () => {
  const traffic = new Traffic(data);
  traffic.add(at("2026-11-22T23:59:00Z"), 2, 100);
  traffic.add(at("2026-11-23T00:01:00Z"), 1, 50);
  traffic.save();
  const again = new Traffic(data);
  again.add(at("2026-11-23T00:02:00Z"), 1, 5);
  again.add(at("2026-11-23T00:03:00Z"), 0, 0);
  again.save();
  expect(readTraffic(data)).toEqual([
    { day: "2026-11-22", messages: 2, bytes: 100 },
    { day: "2026-11-23", messages: 2, bytes: 55 },
  ]);
  expect(again.bytesOn(at("2026-11-23T12:00:00Z"))).toBe(55);
});
