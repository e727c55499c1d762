import { describe, expect, test } from "bun:test";
import type { ScannedObject } from "../../src/message.ts";
import { Filters, plainNames } from "../../src/policy/filter.ts";
import { filter, object, verdict } from "./samples.ts";

function hits(settings: Parameters<typeof filter>[0], ...objects: Partial<ScannedObject>[]) {
  const seen = verdict(object("clean"), ...objects.map((each) => object("clean", each)));
  return new Filters([filter(settings)]).hits(seen, "default").map((hit) => hit.object);
}

// Each is `evil.exe` to a reader, to Windows or to a mail program.
const TRICKS: readonly (readonly [string, string])[] = [
  ["upper case", "EVIL.EXE"],
  ["right-to-left override", "evil\u202egpj.exe"],
  ["right-to-left isolate", "evil\u2067gpj.exe"],
  ["zero-width space in the extension", "evil.e\u200bxe"],
  ["soft hyphen", "evil.e\u00adxe"],
  ["word joiner and byte order mark", "evil.\u2060exe\ufeff"],
  ["dot at the end", "evil.exe."],
  ["dots and spaces at the end", "evil.exe . . "],
  ["no-break space at the end", "evil.exe\u00a0"],
  ["full-width letters", "evil.\uff45\uff58\uff45"],
  ["full-width dot", "evil\uff0eexe"],
  ["mathematical letters", "evil.\u{1d4ee}\u{1d501}\u{1d4ee}"],
  ["alternate stream", "evil.exe:Zone.Identifier"],
  ["default stream", "evil.exe::$DATA"],
  ["drive", "c:evil.exe"],
  ["path", "..\\..\\evil.exe"],
  ["path that ends in a slash", "evil.exe/"],
  ["quotes", '"evil.exe"'],
  ["two names", "evil.txt | evil.exe"],
  ["variation selector", "evil.ex\ufe0fe"],
  ["control character", "evil.exe\u0007"],
  ["letter with a circle", "evil.\u24d4\u24e7\u24d4"],
];

describe("names", () => {
  test.each(TRICKS)("with %s are caught", (_, name) => {
    expect(hits({ names: ["*.exe"] }, { name })).toEqual([1]);
  });

  test.each(["evil.exe.txt", "exe", "notexe", "a.exe b.txt"])("%s is no program", (name) => {
    expect(hits({ names: ["*.exe"] }, { name })).toEqual([]);
  });

  test("of a mask are folded like those of objects", () => {
    expect(hits({ names: ["STRA\u00dfE.*"] }, { name: "strasse.doc" })).toEqual([1]);
    expect(hits({ names: ["*.\uff25XE"] }, { name: "a.exe" })).toEqual([1]);
  });

  test("have few forms, whatever a sender makes of them", () => {
    expect(plainNames("a:b/".repeat(10_000)).length).toBeLessThanOrEqual(64);
    expect(plainNames("a | ".repeat(10_000) + ":x".repeat(1000)).length).toBeLessThanOrEqual(64);
    expect(plainNames("\u202e\u200b")).toEqual([]);
  });
});

describe("a filter", () => {
  test("is about an object of which all holds that it says", () => {
    const settings = { names: ["*.exe"], types: ["pe"], larger_than: 100 };
    const all = { name: "a.exe", type: "pe", size: 101 };
    expect(hits(settings, all)).toEqual([1]);
    expect(hits(settings, { ...all, name: "a.com" })).toEqual([]);
    expect(hits(settings, { ...all, type: "zip" })).toEqual([]);
    expect(hits(settings, { ...all, size: 100 })).toEqual([]);
  });

  test("looks at declared types and found types by mask, less the exceptions", () => {
    const settings = { declared_types: ["image/*"], declared_types_except: ["image/png"] };
    expect(hits(settings, { declaredType: "image/gif" }, { declaredType: "image/png" })).toEqual([
      1,
    ]);
    expect(hits({ types_except: ["zip"], names: ["*"] }, { type: "zip" }, { type: "pe" })).toEqual([
      2,
    ]);
  });

  test("leaves alone what is excepted by name", () => {
    const settings = { names: ["*.exe"], names_except: ["setup.exe"] };
    expect(hits(settings, { name: "SETUP.EXE" }, { name: "a.exe" })).toEqual([2]);
  });

  test("counts what matches, and catches all of it once there is too much", () => {
    const one = { name: "a.gif" };
    const settings = { names: ["*.gif"], more_than: 2 };
    expect(hits(settings, one, one)).toEqual([]);
    expect(hits(settings, one, { name: "b.txt" }, one, one)).toEqual([1, 3, 4]);
  });

  test("reaches every depth and never the message itself", () => {
    const seen = verdict(
      object("clean", { name: "mail.exe" }),
      object("clean", { name: "a.zip" }),
      object("clean", { name: "inner.zip", parent: 1 }),
      object("clean", { name: "a.exe", parent: 2 }),
    );
    const filters = new Filters([filter({ names: ["*.exe"] })]);
    expect(filters.hits(seen, "default").map((hit) => hit.object)).toEqual([3]);
  });

  test("is only for its groups", () => {
    const seen = verdict(object("clean"), object("clean", { name: "a.exe" }));
    const filters = new Filters([filter({ names: ["*.exe"], groups: ["sales"] })]);
    expect(filters.hits(seen, "sales")).toHaveLength(1);
    expect(filters.hits(seen, "default")).toEqual([]);
  });
});
