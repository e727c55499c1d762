import { describe, expect, test } from "bun:test";
import { decodeBase64 } from "../../src/codec/base64.ts";
import { arePairedLines, base64Groups, MarkFinder } from "../../src/codec/native.ts";
import { Random } from "../scan/generator.ts";

describe("base64Groups()", () => {
  test.each([
    ["stops at padding", "aGVsbG8=", 4, "hel"],
    ["leaves a short group at the end", "aGVsbG8", 4, "hel"],
    ["goes over line breaks within a group", "aG\r\nVsbG8h", 10, "hello!"],
    ["stops at the first junk", "aGVs*bG8h", 4, "hel"],
    ["reads nothing of nothing", "", 0, ""],
  ])("%s", (_, text, read, plain) => {
    const out = Buffer.alloc(16);
    const end = base64Groups(Buffer.from(text), out);
    expect(end).toEqual({ read, written: plain.length });
    expect(out.toString("latin1", 0, end.written)).toBe(plain);
  });

  test("agrees with the host's decoder on lines of every length, over many pieces", () => {
    const random = new Random(7);
    for (let i = 0; i < 300; i++) {
      const size = i % 30 === 0 ? 150_000 + random.below(4500) : random.below(4500);
      const bytes = random.bytes(size, [...Array(256).keys()]);
      const flat = Buffer.from(bytes).toString("base64");
      const lines = flat.replace(new RegExp(`.{${1 + random.below(100)}}`, "g"), "$&\r\n");
      const decoded = decodeBase64(Buffer.from(lines, "latin1"));
      expect(decoded.isClean).toBe(true);
      expect(Buffer.compare(Buffer.from(decoded.bytes), Buffer.from(bytes))).toBe(0);
    }
  });
});

describe("MarkFinder", () => {
  const groups = [
    ["needle", "nettle"],
    ["64,"],
    [],
    ["\\x3c", "\\x3C"],
    ["-----BEGIN PGP "],
    ["ABC"],
  ];
  const finder = new MarkFinder(groups);
  const expected = (text: string) =>
    groups.reduce((bits, marks, i) => bits | (marks.some((m) => text.includes(m)) ? 1 << i : 0), 0);

  test.each(["", "ne", "needle", "xxneedl", "nettle64,", "\\x3C-----BEGIN PGP", "AB", "ABC"])(
    "finds in %p what searching would",
    (text) => expect(finder.find(Buffer.from(text))).toBe(expected(text)),
  );

  test("finds marks wherever they lie, also across the pieces that are looked at", () => {
    const random = new Random(11);
    for (let i = 0; i < 60; i++) {
      const text = Buffer.from(
        random.bytes(random.below(200_000), [...Buffer.from("nedlt64,x\\")]),
      );
      const marks = groups.flat();
      const mark = marks[random.below(marks.length)] ?? "";
      const edge = 65_536 * (1 + random.below(2)) - random.below(40);
      const at = random.below(2) === 0 ? edge : random.below(Math.max(1, text.length));
      if (at + mark.length <= text.length) text.write(mark, at, "latin1");
      expect(finder.find(text)).toBe(expected(text.toString("latin1")));
    }
  });

  test("sees nothing of what an earlier input has left behind", () => {
    finder.find(Buffer.from(`${" ".repeat(100)}needle`));
    expect(finder.find(Buffer.from(" ".repeat(100)))).toBe(0);
    expect(finder.find(Buffer.from(`${" ".repeat(100)}need`))).toBe(0);
  });
});

describe("arePairedLines()", () => {
  const model = (text: string) => !/\r(?!\n|$)|(?<!\r)\n/.test(text);

  test("says of random bytes what a pattern says, wherever they are cut", () => {
    const random = new Random(3);
    const words = ["\r\n", "\r\n", "\r\n", "abc", "x".repeat(15), "y".repeat(65_530)];
    for (let i = 0; i < 2000; i++) {
      let text = "";
      for (let k = random.below(i % 100 === 0 ? 40 : 6); k > 0; k--) {
        text += words[random.below(i % 100 === 0 ? 6 : 5)] ?? "";
      }
      const at = random.below(text.length + 1);
      if (i % 3 === 0) text = `${text.slice(0, at)}${"\r\n"[i % 2]}${text.slice(at)}`;
      expect([text.length, arePairedLines(Buffer.from(text), false)]).toEqual([
        text.length,
        model(text),
      ]);
      expect(arePairedLines(Buffer.from(text), true)).toBe(model(`\r${text}`) || text === "");
    }
  });
});
