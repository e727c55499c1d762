import { describe, expect, test } from "bun:test";
import { locate, positionOf } from "../../../src/config/file/locate.ts";

// What stands at a place, up to the end of its line.
function at(text: string, path: string, which: "key" | "value"): string | undefined {
  const place = locate(text).get(path);
  return place === undefined ? undefined : text.slice(place[which]).split("\n")[0];
}

describe("locate()", () => {
  const text = [
    "# comment with [brackets] = 'quotes'",
    "top = 1",
    "[ a . b ] # header",
    'x = "=" # y = 2',
    "list = [ # first",
    '  "one", # "two",',
    "  'two', [3, { k = 4 }],",
    "]",
    'inline = { p = "}", q.r = [5] }',
    'text = """',
    '[no] = "\\"""',
    '""""',
    "lit = '''",
    "z = 1'''",
    '"quoted key" = 6',
    "[[t]]",
    "n = 7",
  ].join("\n");

  test.each([
    ["top", "top = 1", "1"],
    ["a.b", "a . b ] # header", "a . b ] # header"],
    ["a.b.x", 'x = "=" # y = 2', '"=" # y = 2'],
    ["a.b.list", "list = [ # first", "[ # first"],
    ["a.b.list[0]", '"one", # "two",', '"one", # "two",'],
    ["a.b.list[1]", "'two', [3, { k = 4 }],", "'two', [3, { k = 4 }],"],
    ["a.b.list[2][1].k", "k = 4 }],", "4 }],"],
    ["a.b.inline", 'inline = { p = "}", q.r = [5] }', '{ p = "}", q.r = [5] }'],
    ["a.b.inline.p", 'p = "}", q.r = [5] }', '"}", q.r = [5] }'],
    ["a.b.inline.q.r[0]", "5] }", "5] }"],
    ["a.b.lit", "lit = '''", "'''"],
    ["a.b.quoted key", '"quoted key" = 6', "6"],
    ["t[0].n", "n = 7", "7"],
  ])("finds %s", (path, key, value) => {
    expect([at(text, path, "key"), at(text, path, "value")]).toEqual([key, value]);
  });

  test("takes nothing inside comments and texts for keys", () => {
    for (const path of ["a.b.y", "no", "a.b.no", "a.b.z"])
      expect(locate(text).has(path)).toBe(false);
  });

  test.each(["[", "a", "a =", "= 1", "[[[[", 'a = "', "a = [[{", "]]]", "a = {,}", "\0", "'''"])(
    "ends on the unfinished text %p",
    (unfinished) => {
      expect(locate(unfinished)).toBeInstanceOf(Map);
    },
  );

  test("is quick on a large file of one list", () => {
    const large = `a = [${'"192.0.2.1/32", '.repeat(50_000)}]`;
    expect(locate(large).size).toBe(50_001);
  });
});

test("positionOf() counts lines and columns from 1", () => {
  expect(positionOf("ab\ncd", 0)).toEqual({ line: 1, column: 1 });
  expect(positionOf("ab\ncd", 4)).toEqual({ line: 2, column: 2 });
});
