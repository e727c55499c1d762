import { describe, expect, test } from "bun:test";
import type { Judgement } from "../../src/gwdb/judgement.ts";
import { Engine } from "../../src/scan/engine.ts";
import type { JudgeContext, Judged, Match } from "../../src/scan/judge/context.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSignatures } from "../../src/signature/compile.ts";
import { parseHex } from "../../src/signature/hex.ts";
import type { Expression, Op, Pattern, Signature } from "../../src/signature/source.ts";
import { buildCore } from "../../wasm/build.ts";
import { names, scan } from "./attached.ts";
import { Random, randomData, randomSignature } from "./generator.ts";
import { signaturesOf, startsOf } from "./reference.ts";

const AT = { line: 1, column: 1 };

type BytePattern = Extract<Pattern, { kind: "bytes" }>;

function bytes(hex: string | readonly Op[], more: Partial<BytePattern> = {}): BytePattern {
  return {
    ...{ id: "a", line: 1, kind: "bytes", isFolded: false, isFullword: false, isWide: false },
    ...{ ops: typeof hex === "string" ? parseHex(hex, AT) : hex, place: null, ...more },
  };
}

/** The judges of these tests take the judgement's `ask` for a key of a table. */
const judgementOf = (ask: string) => ({ format: "yara", ask }) as unknown as Judgement;

function signature(
  name: string,
  patterns: readonly Pattern[],
  condition: Expression,
  more: Partial<Signature> = {},
): Signature {
  const info = { name, severity: "infected" as const, description: "", reference: "" };
  const cure = { kind: "none" as const };
  return {
    ...{ info: { ...info, cure }, file: "test", line: 1, targets: [] },
    ...{ patterns, condition, ...more },
  };
}

type Asks = Readonly<Record<string, (context: JudgeContext) => Judged>>;

async function engineOf(signatures: readonly Signature[], asks: Asks = {}): Promise<Engine> {
  const core = await buildCore();
  const parsed = { signatures, diagnostics: [] };
  const { image } = await compileSignatures(parsed, core, { isStrict: true });
  const yara = (judgement: unknown, context: JudgeContext): Judged => {
    const ask = asks[(judgement as { ask: string }).ask];
    return ask === undefined ? "unfinished" : ask(context);
  };
  const set = loadSet(image, { arenas: 1, arenaSize: 1 << 22, core });
  return Engine.attach(set, 0, { judges: { yara } });
}

const ALWAYS: Expression = { kind: "always" };
const FIRST: Expression = { kind: "pattern", pattern: 0 };
const yes = (offset = -1): Judged => ({ isMatch: true, offset });
const NO: Judged = { isMatch: false, offset: -1 };

describe("a judgement", () => {
  test("is asked only when its trigger holds, and has the last word", async () => {
    let asked = 0;
    const patterns = [bytes("6E 65 65 64 6C 65"), bytes("21", { isLazy: true })];
    const engine = await engineOf(
      [signature("T.Judged", patterns, FIRST, { judgement: judgementOf("bang") })],
      {
        bang: ({ count, places }) => {
          asked++;
          return count(1) === 2 ? yes(places(1, 9)[1]?.start) : NO;
        },
      },
    );
    expect(names(scan(engine, "!!"))).toEqual([]);
    expect(asked).toBe(0);
    expect(names(scan(engine, "needle!"))).toEqual([]);
    expect(scan(engine, "!needle!").findings).toEqual([
      { signature: "T.Judged", severity: "infected", offset: 7 },
    ]);
    expect(asked).toBe(2);
  });

  test("takes the place of its trigger if it names none", async () => {
    const engine = await engineOf(
      [signature("T.A", [bytes("6E 65 65 64")], FIRST, { judgement: judgementOf("yes") })],
      { yes: () => yes() },
    );
    expect(scan(engine, "..need").findings[0]?.offset).toBe(2);
  });

  test("that always holds is asked for the types it is for", async () => {
    const one = (name: string, targets: readonly string[]) =>
      signature(name, [], ALWAYS, { targets, judgement: judgementOf("size") });
    const engine = await engineOf([one("T.Any", []), one("T.Pe", ["pe"])], {
      size: ({ subject }) => (subject.bytes.length === 3 ? yes() : NO),
    });
    expect(names(scan(engine, "abc"))).toEqual(["T.Any"]);
    expect(names(scan(engine, "abc", { type: "pe" }))).toEqual(["T.Any", "T.Pe"]);
    expect(names(scan(engine, "abcd", { type: "pe" }))).toEqual([]);
  });

  test("without an answer leaves the object unscanned", async () => {
    const engine = await engineOf(
      [signature("T.A", [], ALWAYS, { judgement: judgementOf("hard") })],
      { hard: ({ spend }) => (spend(1e12) ? yes() : "unfinished") },
    );
    expect(scan(engine, "abc")).toEqual({ findings: [], scanned: 0, isComplete: false });
  });

  test("sees the object as an executable, its containers and the external variables", async () => {
    const seen: unknown[] = [];
    const engine = await engineOf(
      [signature("T.A", [], ALWAYS, { judgement: judgementOf("look") })],
      {
        look: ({ subject, externals, executable }) => {
          seen.push(subject.containers, externals["filename"], externals["extension"]);
          seen.push(executable());
          return NO;
        },
      },
    );
    const object = { bytes: Buffer.from("abc"), name: "A.Exe", type: "text", depth: 2 };
    engine.scan({ ...object, containerType: "zip", containers: ["mail", "zip"] });
    expect(seen).toEqual([["mail", "zip"], "A.Exe", ".exe", undefined]);
  });
});

test("a trigger takes patterns that can't be searched for as met, and negated ones too", async () => {
  const both: Expression = { kind: "and", left: FIRST, right: { kind: "pattern", pattern: 1 } };
  const not: Expression = {
    kind: "and",
    left: FIRST,
    right: { kind: "not", operand: { kind: "pattern", pattern: 1 } },
  };
  const patterns = [bytes("6E 65 65 64"), bytes("21 3F")];
  const judgement = judgementOf("yes");
  const engine = await engineOf(
    [
      signature("T.Both", patterns, both, { judgement }),
      signature("T.Not", patterns, not, { judgement }),
    ],
    { yes: () => yes() },
  );
  expect(names(scan(engine, "need"))).toEqual(["T.Both", "T.Not"]);
  expect(names(scan(engine, "!?"))).toEqual([]);
});

test("places() and count() tell what trying every start tells", async () => {
  const random = new Random(11);
  for (let round = 0; round < 12; round++) {
    const alphabet = [0x61, 0x41, 0x62, 0x42, 0, 0x2e].slice(0, 2 + random.below(5));
    const mix = { alphabet, runMin: 4, hasFolded: round % 2 === 0 };
    const text = Array.from({ length: 8 }, (_, i) => randomSignature(random, `T.${i}`, mix));
    const patterns = signaturesOf(text.join("")).flatMap((one) => one.patterns) as BytePattern[];
    const lazy = patterns.map((pattern) => ({ ...pattern, isLazy: random.below(2) === 0 }));
    const data = randomData(random, patterns, { alphabet, length: 1500 });
    const found: number[][] = [];
    const counts: number[] = [];
    const engine = await engineOf(
      [signature("T.All", lazy, ALWAYS, { judgement: judgementOf("all") })],
      {
        all: ({ count, places }) => {
          lazy.forEach((_, i) => {
            counts[i] = count(i);
            found[i] = places(i, 1e6).map(({ start }: Match) => start);
          });
          return NO;
        },
      },
    );
    engine.scan({ bytes: data, name: "", type: "", containerType: "", depth: 0 });
    const expected = patterns.map((pattern) => startsOf(data, pattern));
    expect(found).toEqual(expected);
    expect(counts).toEqual(expected.map((starts) => starts.length));
  }
});

const SIDES = ["left", "right"] as const;
const CLASSES = ["word", "wide-word", "break", "line"] as const;

test.each(CLASSES)("boundaries of class %s hold where they should", async (className) => {
  const literal: Op = { kind: "literal", bytes: Buffer.from("alpha") };
  const variants = SIDES.flatMap((edge) =>
    [false, true].map((isNegated): Op[] => {
      const boundary: Op = { kind: "boundary", edge, class: className, isNegated };
      return edge === "left" ? [boundary, literal] : [literal, boundary];
    }),
  );
  const patterns = variants.map((ops) => bytes(ops));
  const signatures = patterns.map((pattern, i) => signature(`T.${i}`, [pattern], FIRST));
  const engine = await engineOf(signatures);
  const neighbours = [
    "",
    " ",
    ".",
    "_",
    "z",
    "9",
    "\n",
    "\r\n",
    "\r",
    "z\0",
    "-\0",
    "\x80",
    "'",
    "@",
  ];
  for (const before of neighbours) {
    for (const behind of neighbours) {
      const data = Buffer.from(`${before}alpha${behind}`, "latin1");
      const expected = patterns.flatMap((pattern, i) => {
        return startsOf(data, pattern).length > 0 ? [`T.${i}`] : [];
      });
      expect(names(scan(engine, data)).sort()).toEqual(expected);
    }
  }
});

test("fixed letters match both cases in masked parts and alternatives too", async () => {
  const pattern = bytes("6E 45 65 64 ?? (6C 65|4C) 21", { isFolded: true });
  const engine = await engineOf([signature("T.A", [pattern], FIRST)]);
  for (const data of ["need.le!", "NEED?l!", "nEeD.LE!"])
    expect(names(scan(engine, data))).toEqual(["T.A"]);
  expect(names(scan(engine, "need.l1"))).toEqual([]);
});
