import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { type About, engineOf, names, scan } from "./attached.ts";

interface Case {
  readonly lines: string;
  readonly data: string;
  readonly about?: About;
  readonly isFound: boolean;
}

const CASES: Readonly<Record<string, Case>> = {
  "a text anywhere": { lines: 'text $a "needle"', data: "hay needle hay", isFound: true },
  "a text at the very end": { lines: 'text $a "needle"', data: "needle", isFound: true },
  "a text that is cut": { lines: 'text $a "needle"', data: "hay needl", isFound: false },
  "another case without nocase": { lines: 'text $a "needle"', data: "NEEDLE", isFound: false },
  "another case with nocase": { lines: 'text $a "neEdle" nocase', data: "NEEDlE", isFound: true },
  "nocase of non-letters": { lines: 'text $a "ab[cd" nocase', data: "AB{CD", isFound: false },
  "a wide text": { lines: 'text $a "evil" wide', data: "e\0v\0i\0l\0", isFound: true },
  "a wide text in one byte each": { lines: 'text $a "evil" wide', data: "evil", isFound: false },
  "a full word": { lines: 'text $a "evil" fullword', data: "an evil.", isFound: true },
  "part of a word": { lines: 'text $a "evil" fullword', data: "an evil5", isFound: false },
  "a full wide word": {
    lines: 'text $a "evil" wide fullword',
    data: " \0e\0v\0i\0l\0.\0",
    isFound: true,
  },
  "part of a wide word": {
    lines: 'text $a "evil" wide fullword',
    data: "x\0e\0v\0i\0l\0.\0",
    isFound: false,
  },
  "a magic number at 0": { lines: "hex $a 50 4B at 0", data: "PK", isFound: true },
  "a magic number elsewhere": { lines: "hex $a 50 4B at 0", data: " PK", isFound: false },
  "a place in a range": {
    lines: "hex $a 50 4B 03 04 at 2..4",
    data: "...PK\x03\x04",
    isFound: true,
  },
  "a place past a range": {
    lines: "hex $a 50 4B 03 04 at 2..4",
    data: ".....PK\x03\x04",
    isFound: false,
  },
  "the end": { lines: "hex $a 0D 0A at EOF-2", data: "abc\r\n", isFound: true },
  "not quite the end": { lines: "hex $a 0D 0A at EOF-2", data: "abc\r\n.", isFound: false },
  "wildcards and halves": {
    lines: "hex $a 4D 5A 2D 2E ?? 5? ?1 61",
    data: "MZ-.xQAa",
    isFound: true,
  },
  "a gap that is too wide": {
    lines: "hex $a 61 62 63 64 {0-3} 65 66",
    data: "abcd....ef",
    isFound: false,
  },
  "an open gap": {
    lines: "hex $a 61 62 63 64 * 65 66",
    data: `abcd${".".repeat(5000)}ef`,
    isFound: true,
  },
  "parts that would overlap": {
    lines: "hex $a 61 62 61 62 * 61 62 63 64",
    data: "ababcd",
    isFound: false,
  },
  "an alternative": { lines: "hex $a (61|62 63) 64 65 66 67", data: "bcdefg", isFound: true },
  "no alternative": { lines: "hex $a (61|62 63) 64 65 66 67", data: "bdefg", isFound: false },
  "what is negated": { lines: "hex $a 61 62 63 64 !(30|31) 65", data: "abcd0e", isFound: false },
  "what is not negated": { lines: "hex $a 61 62 63 64 !(30|31) 65", data: "abcd2e", isFound: true },
  "enough of a kind": {
    lines: 'text $a "abab"\ncondition #a > 2',
    data: "abababab",
    isFound: true,
  },
  "too few of a kind": {
    lines: 'text $a "abab"\ncondition #a > 2',
    data: "ababab",
    isFound: false,
  },
  "two of three": {
    lines: 'text $a1 "first"\ntext $a2 "second"\ntext $b "third"\ncondition 2 of them',
    data: "first third",
    isFound: true,
  },
  "all of a prefix": {
    lines: 'text $a1 "first"\ntext $a2 "second"\ntext $b "third"\ncondition all of ($a*)',
    data: "first third",
    isFound: false,
  },
  "a size": {
    lines: 'text $a "needle"\ncondition $a and size < 1KB',
    data: "needle",
    isFound: true,
  },
  "a target": { lines: 'target pe, zip\ntext $a "needle"', data: "needle", isFound: false },
  "the right target": {
    lines: 'target pe, zip\ntext $a "needle"',
    data: "needle",
    about: { type: "zip" },
    isFound: true,
  },
  "a container": {
    lines: 'text $a "needle"\ncondition $a and container is zip and depth == 2',
    data: "needle",
    about: { containerType: "zip", depth: 2 },
    isFound: true,
  },
  "a name": { lines: 'name $n "*.pdf.exe"', data: "", about: { name: "Ä.PDF.EXE" }, isFound: true },
  "a name with one character open": {
    lines: 'name $n "bill ?.js"',
    data: "",
    about: { name: "bill €.js" },
    isFound: true,
  },
  "another name": {
    lines: 'name $n "*.pdf.exe"',
    data: "",
    about: { name: "a.exe" },
    isFound: false,
  },
};

test.each(Object.entries(CASES))("scan(): %s", async (_, given) => {
  const engine = await engineOf(`signature T.Case\n${given.lines}\nend\n`);
  const result = scan(engine, given.data, given.about);
  expect(result.isComplete).toBe(true);
  expect(result.scanned).toBe(given.data.length);
  expect(names(result)).toEqual(given.isFound ? ["T.Case"] : []);
});

test("scan() tells severity, description and the first offset", async () => {
  const engine = await engineOf(`signature T.One
    severity unwanted
    description "says \\"x\\""
    text $a "needle"
    end
    signature T.Two
    name $n "*.exe"
    end`);
  expect(scan(engine, "..needle.needle", { name: "a.exe" }).findings).toContainEqual({
    ...{ signature: "T.One", severity: "unwanted", offset: 2, description: 'says "x"' },
  });
  expect(scan(engine, "", { name: "a.exe" }).findings).toEqual([
    { signature: "T.Two", severity: "infected", offset: -1 },
  ]);
});

test.each(["md5", "sha256"] as const)("scan() finds an object by its %s", async (algorithm) => {
  const digest = createHash(algorithm).update("harmful").digest("hex");
  const engine = await engineOf(`signature T.Hash\n${algorithm} "${digest}" size 7\nend`);
  expect(names(scan(engine, "harmful"))).toEqual(["T.Hash"]);
  expect(names(scan(engine, "harmfuL"))).toEqual([]);
  expect(names(scan(engine, "harmful."))).toEqual([]);
});

describe("limits", () => {
  test("an object beyond the arena is not scanned, and not called clean", async () => {
    const engine = await engineOf('signature T.A\ntext $a "needle"\nend', 100);
    const result = scan(engine, `needle${" ".repeat(100)}`);
    expect(result).toEqual({ findings: [], scanned: 0, isComplete: false });
  });

  test("an object that fills the arena is scanned to its last byte", async () => {
    const engine = await engineOf('signature T.A\ntext $a "needle"\nend', 100);
    expect(names(scan(engine, "needle".padStart(100)))).toEqual(["T.A"]);
  });

  test("bytes of an earlier object are never seen", async () => {
    const engine = await engineOf('signature T.A\ntext $a "needle"\nend');
    expect(names(scan(engine, "....needle"))).toEqual(["T.A"]);
    expect(names(scan(engine, "....need"))).toEqual([]);
  });

  test("work that explodes ends the scan as incomplete, in reasonable time", async () => {
    const engine = await engineOf(
      `signature T.Hard\nhex $a 61 62 61 62 {0-60000} 61 {0-60000} 62 {0-60000} 63 63\nend`,
    );
    const began = performance.now();
    const result = scan(engine, "ab".repeat(100_000));
    expect(result.isComplete).toBe(false);
    expect(result.scanned).toBe(0);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test.each([
    [200, 200, true],
    [10_001, 10_000, false],
  ])("of %d signatures that match %d are reported", async (count, reported, isWhole) => {
    const one = (i: number) => `signature T.N${i}\ntext $a "needle"\nend\n`;
    const engine = await engineOf(Array.from({ length: count }, (_, i) => one(i)).join(""));
    const { findings, isComplete } = scan(engine, "needle");
    expect(findings.length).toBe(reported);
    expect(isComplete).toBe(isWhole);
  });
});
