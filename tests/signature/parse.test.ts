import { expect, test } from "bun:test";
import { parseSource } from "../../src/signature/parse.ts";
import { describeDiagnostic, type Signature } from "../../src/signature/source.ts";

function parseOne(lines: string): Signature {
  const { signatures, diagnostics } = parseSource("a.gws", `signature T.A\n${lines}\nend\n`);
  expect(diagnostics).toEqual([]);
  return signatures[0] as Signature;
}

function complaintsAbout(text: string): string[] {
  return parseSource("a.gws", text).diagnostics.map(describeDiagnostic);
}

test("a signature with every line", () => {
  const signature = parseOne(`
    # a comment
    severity     suspicious
    description  "says \\"x\\""
    target       zip, mail
    text   $a    "a\\x00\\t" nocase wide fullword at 4
    hex    $b    4D 5A ?? 5? * 50 45 at 0..1024
    hex    $e    0D 0A at EOF-8..EOF-2
    md5    $h    "900150983cd24fb0d6963f7d28e17f72" size 64KB
    name   $n    "*.PDF.exe"
    condition    $a and $b
    cure         cut $a..$b
    reference    "https://example.org"`);
  const { info, targets, patterns } = signature;
  expect(info).toEqual({
    ...{ name: "T.A", severity: "suspicious", description: 'says "x"' },
    reference: "https://example.org",
    cure: { kind: "cut", from: "a", to: "b" },
  });
  expect(targets).toEqual(["zip", "mail"]);
  expect(patterns).toMatchObject([
    { id: "a", isFolded: true, isWide: true, isFullword: true, place: { from: 4, to: 4 } },
    { id: "b", kind: "bytes", place: { from: 0, to: 1024, isFromEnd: false } },
    { id: "e", place: { from: 2, to: 8, isFromEnd: true } },
    { id: "h", kind: "hash", algorithm: "md5", size: 65_536 },
    { id: "n", kind: "name", glob: "*.pdf.exe" },
  ]);
  expect(patterns[0]).toMatchObject({
    ops: [{ kind: "literal", bytes: new Uint8Array([0x61, 0, 0, 0, 9, 0]) }],
  });
});

test("without a condition all patterns are needed; of hashes, one", () => {
  const text = parseOne('text $a "one"\ntext $b "two"');
  expect(text.condition).toEqual({ kind: "of", needed: 2, patterns: [0, 1] });
  const digest = "900150983cd24fb0d6963f7d28e17f72";
  const hashes = parseOne(`md5 "${digest}" size 3\nmd5 "${digest}" size 4`);
  expect(hashes.condition).toEqual({ kind: "of", needed: 1, patterns: [0, 1] });
});

test("target any is no target", () => {
  expect(parseOne('target any\ntext $a "x"').targets).toEqual([]);
});

test("lines may end in CRLF", () => {
  const { signatures } = parseSource("a.gws", 'signature T.A\r\ntext $a "one"\r\nend\r\n');
  expect(signatures.length).toBe(1);
});

const BODY = 'text $a "one"';
const COMPLAINTS: Readonly<Record<string, readonly [lines: string, complaint: string]>> = {
  "an unknown line": ["txt $a", "a.gws:2:1: unknown line txt"],
  "an unknown severity": ["severity bad", "a.gws:2:10: unknown severity bad"],
  "a second description": ['description "a"\ndescription "b"', "there is a description already"],
  "a second $a": [`${BODY}\n${BODY}`, "there is a $a already"],
  "a text without quotes": ["text $a one", "a.gws:2:9: unexpected one (expected a text in quotes)"],
  "an open text": ['text $a "one', "a.gws:2:9: the text is not closed"],
  "a bad escape": ['text $a "o\\qe"', "unknown escape \\q"],
  "an empty text": ['text $a ""', "the text is empty or too long"],
  "words behind a text": ['text $a "one" nocase now', "a.gws:2:22: unexpected now"],
  "a bad place": ['text $a "one" at 3..1', "the place 3..1 is empty"],
  "a mixed place": ['text $a "one" at 3..EOF-1', "bad place 3..EOF-1"],
  "a bad hash": ['md5 "12" size 3', "a.gws:2:5: bad md5 (expected 32 hex digits)"],
  "a hash without size": ['md5 "900150983cd24fb0d6963f7d28e17f72"', "size and the object's bytes"],
  "a name of stars": ['name $n "*?*"', "the name is too short or too long"],
  "a cure of nothing": [`${BODY}\ncure truncate $z`, "the cure speaks of $z"],
  "no pattern": ["severity infected", "the signature has no pattern"],
  "an unknown pattern": [`${BODY}\ncondition $b`, "a.gws:3:11: there is no pattern $b"],
  "a number too large": [`${BODY}\ncondition size > 9999MB`, "9999MB is too large"],
  "hashes among others": [
    `${BODY}\nmd5 "900150983cd24fb0d6963f7d28e17f72" size 3`,
    "hashes and other patterns need a condition",
  ],
};

test.each(Object.entries(COMPLAINTS))("%s is refused, and said where", (_, [lines, complaint]) => {
  const all = complaintsAbout(`signature T.A\n${lines}\nend\n`);
  expect(all.length).toBe(1);
  expect(all[0]).toContain(complaint);
});

test.each([
  ['signature T.A\ntext $a "one"', "T.A has no end"],
  ['signature T.A\nsignature T.B\ntext $a "one"\nend', "T.A has no end"],
  ['signature a b\ntext $a "one"\nend', "bad signature name a b"],
  ["end", "unexpected end"],
])("%j is refused", (text, complaint) => {
  expect(complaintsAbout(text)[0]).toContain(complaint);
});

test("an error costs its signature and no other", () => {
  const text = `signature T.A\nhex $a 4\nbad\nend\nsignature T.B\n${BODY}\nend\n`;
  const { signatures, diagnostics } = parseSource("a.gws", text);
  expect(signatures.map(({ info }) => info.name)).toEqual(["T.B"]);
  expect(diagnostics.length).toBe(1);
});

test("any garbage ends in diagnostics", () => {
  const words = ["signature", "end", "text", "hex", "$a", '"', "(", "at", "{", "0..", "*", "\n"];
  let state = 1;
  for (let round = 0; round < 500; round++) {
    let text = "signature T.A\n";
    for (let i = 0; i < 20; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      text += ` ${words[(state >>> 16) % words.length]}`;
    }
    expect(parseSource("a.gws", text)).toBeDefined();
  }
});
