import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { explodeArj } from "../../../src/unpack/archive/arj.ts";
import { explodeForeign } from "../../../src/unpack/archive/library/foreign.ts";
import { BitReader } from "../../../src/unpack/archive/stream/bits.ts";
import { decodeLzh } from "../../../src/unpack/archive/stream/lzh.ts";
import { Output } from "../../../src/unpack/archive/stream/output.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { type ArjMember, buildArj, packBits } from "./build-archives.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const LHA = join(GW_CORPUS, "containers/libarchive/libarchive/test_read_format_lha_lh7.lzh");

function unarj(bytes: Uint8Array, limits = {}) {
  const found = drain(explodeArj(bytes, budgetOf(limits)));
  const files = found.extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status: found.status, note: found.note, files };
}

const TEXT = "abcabcabcabcabc!";
const A: ArjMember = { name: "a.txt", content: TEXT };

// One block: all literals and lengths have nine bits (eight would leave no room for lengths), and
// each symbol its own value; all distances are of one kind, two bits wide.
function lzhBlock(): Buffer {
  const literal = (text: string) => [...text].map((one) => [one.charCodeAt(0), 9] as const);
  const lengths = Array.from({ length: 510 }, () => [] as const);
  return packBits(
    [5, 16],
    // Lengths of codes: the only one there is says nine bits.
    ...([
      [0, 5],
      [11, 5],
      [510, 9],
    ] as const),
    ...lengths.flat(),
    ...([
      [0, 5],
      [2, 5],
    ] as const),
    ...literal("abc"),
    // Twelve bytes (256 + 12 - 3) from three back: 2 + 0, plus one.
    ...([
      [265, 9],
      [0, 1],
    ] as const),
    ...literal("!"),
  );
}

// A literal behind a zero; a length as unary class and bits, and a distance the same way.
function fastest(): Buffer {
  const literal = (text: string) =>
    [...text].flatMap((one) => [[0, 1] as const, [one.charCodeAt(0), 8] as const]);
  return packBits(
    ...literal("abc"),
    // Length 12 - 2 = 10 = 7 + 3: three ones, a zero, then 3 in three bits.
    ...([
      [0b1110, 4],
      [3, 3],
    ] as const),
    // Distance 3 - 1 = 2: a zero, then 2 in nine bits.
    ...([
      [0, 1],
      [2, 9],
    ] as const),
    ...literal("!"),
  );
}

test.each<[string, ArjMember]>([
  ["stored", A],
  ["method 1", { ...A, method: 1, packed: lzhBlock() }],
  ["method 4", { ...A, method: 4, packed: fastest() }],
])("explodeArj() opens files: %s", (_, member) => {
  const folder = { name: "dir", content: "", type: 3 };
  const found = unarj(buildArj([folder, member, { ...A, name: "b" }]));
  const files = [
    ["a.txt", TEXT],
    ["b", TEXT],
  ];
  expect(found).toEqual({ status: "clean", note: "", files });
});

test("explodeArj() tells encrypted files and gives the others", () => {
  const found = unarj(
    buildArj([
      { ...A, flags: 1 },
      { ...A, name: "b" },
    ]),
  );
  expect(found).toEqual({ status: "protected", note: "encrypted: a.txt", files: [["b", TEXT]] });
});

test.each<[string, Buffer, string]>([
  ["parts", buildArj([A], 4), "unscanned"],
  ["methods that are not known", buildArj([{ ...A, method: 9 }]), "unscanned"],
  ["a wrong checksum", buildArj([{ ...A, packed: Buffer.from(TEXT.toUpperCase()) }]), "damaged"],
  ["data that ends early", buildArj([{ ...A, method: 1, packed: Buffer.from([1, 2]) }]), "damaged"],
  ["a file that is cut short", buildArj([A]).subarray(0, -10), "damaged"],
  ["no end", buildArj([A]).subarray(0, -4), "damaged"],
  ["no header", Buffer.from("\x60\xea\x30\0 and no more", "latin1"), "damaged"],
  ["nothing", Buffer.alloc(0), "damaged"],
])("explodeArj() of %s", (_, bytes, status) => {
  expect(unarj(bytes).status).toBe(status as "damaged");
});

test("explodeArj() is bounded, and gives what stands behind", () => {
  expect(unarj(buildArj([A]), { objectSizeMax: 5 })).toMatchObject({ status: "unscanned" });
  const found = unarj(Buffer.concat([buildArj([A]), Buffer.from("hidden")]));
  expect(found.files[1]).toEqual(["data behind the archive", "hidden"]);
});

describe.skipIf(!existsSync(LHA))("decodeLzh()", () => {
  test("makes the same of real data as the library does", () => {
    const archive = readFileSync(LHA);
    const { extracts } = drain(explodeForeign(archive, budgetOf()));
    const packed = extracts.filter(({ bytes }) => bytes.length > 0);
    expect(packed.length).toBeGreaterThan(0);
    let compared = 0;
    for (let at = archive.indexOf("-lh7-"); at >= 0; at = archive.indexOf("-lh7-", at + 5)) {
      const size = archive.readUInt32LE(at + 9);
      const packedSize = archive.readUInt32LE(at + 5);
      // Level 2: the header's own size is its first field.
      const start = at - 2 + archive.readUInt16LE(at - 2);
      const output = new Output(size);
      decodeLzh(new BitReader(archive, start, start + packedSize), output, size);
      const made = textOf(output.made);
      expect(packed.map(({ bytes }) => textOf(bytes))).toContain(made);
      compared++;
    }
    expect(compared).toBe(packed.length);
  });
});
