import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Engine } from "../../src/scan/engine.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSignatures } from "../../src/signature/compile.ts";
import type { Pattern, Signature } from "../../src/signature/source.ts";
import { buildCore } from "../../wasm/build.ts";
import { names, scan } from "./attached.ts";

type HashPattern = Extract<Pattern, { kind: "hash" }>;

function hash(algorithm: HashPattern["algorithm"], data: Uint8Array | string): HashPattern {
  const digest = new Uint8Array(createHash(algorithm).update(data).digest());
  return { id: "h", line: 1, kind: "hash", algorithm, digest, size: data.length };
}

function signature(name: string, patterns: readonly Pattern[], more = {}): Signature {
  const info = { name, severity: "infected" as const, description: "", reference: "" };
  return {
    ...{ info: { ...info, cure: { kind: "none" as const } }, file: "test", line: 1, targets: [] },
    ...{ patterns, condition: { kind: "of", needed: 1, patterns: [...patterns.keys()] }, ...more },
  };
}

async function engineOf(signatures: readonly Signature[]): Promise<Engine> {
  const core = await buildCore();
  const { image } = await compileSignatures({ signatures, diagnostics: [] }, core, {
    isStrict: true,
  });
  return Engine.attach(loadSet(image, { arenas: 1, arenaSize: 1 << 20, core }), 0);
}

describe("hashes of objects", () => {
  test.each(["md5", "sha1", "sha256"] as const)("%s with a size and without", async (algorithm) => {
    const sized = hash(algorithm, "abc");
    const engine = await engineOf([
      signature("T.Sized", [sized]),
      signature("T.Any", [{ ...sized, size: null }]),
      signature("T.Wrong", [{ ...sized, size: 4 }]),
      signature("T.Targeted", [sized], { targets: ["pe"] }),
    ]);
    expect(names(scan(engine, "abc")).sort()).toEqual(["T.Any", "T.Sized"]);
    expect(names(scan(engine, "abc", { type: "pe" })).sort()).toEqual([
      ...["T.Any", "T.Sized", "T.Targeted"],
    ]);
    expect(names(scan(engine, "abd"))).toEqual([]);
  });

  test("that several signatures share are found for each of them", async () => {
    const shared = hash("md5", "abc");
    const engine = await engineOf([
      signature("T.A", [shared, hash("md5", "x")]),
      signature("T.B", [shared]),
    ]);
    expect(names(scan(engine, "abc"))).toEqual(["T.A", "T.B"]);
    expect(names(scan(engine, "x"))).toEqual(["T.A"]);
  });

  test("that are trusted make the object clean, and no other", async () => {
    const engine = await engineOf([
      signature("T.Text", [
        {
          ...{ id: "a", line: 1, kind: "bytes", isFolded: false, isFullword: false },
          ...{
            isWide: false,
            place: null,
            ops: [{ kind: "literal", bytes: Buffer.from("needle") }],
          },
        },
      ]),
      signature("T.Trusted", [hash("sha256", "a needle")], { isTrusted: true }),
    ]);
    expect(scan(engine, "a needle")).toEqual({
      ...{ findings: [], scanned: 8, isComplete: true, isTrusted: true },
    });
    expect(names(scan(engine, "b needle"))).toEqual(["T.Text"]);
  });
});

/** A Windows program of one section, as small as its headers allow. */
function program(section: Uint8Array): Uint8Array {
  const file = Buffer.alloc(0x200 + section.length);
  file.write("MZ", 0, "latin1");
  file.writeUInt32LE(0x80, 0x3c);
  file.write("PE\0\0", 0x80, "latin1");
  file.writeUInt16LE(0x14c, 0x84);
  file.writeUInt16LE(1, 0x86);
  file.writeUInt16LE(0xe0, 0x94);
  file.writeUInt16LE(0x10b, 0x98);
  file.writeUInt32LE(0x400000, 0x98 + 28);
  file.writeUInt32LE(0x1000, 0x98 + 32);
  file.writeUInt32LE(0x200, 0x98 + 36);
  file.writeUInt32LE(16, 0x98 + 92);
  const entry = 0x98 + 0xe0;
  file.write(".text", entry, "latin1");
  file.writeUInt32LE(section.length, entry + 8);
  file.writeUInt32LE(0x1000, entry + 12);
  file.writeUInt32LE(section.length, entry + 16);
  file.writeUInt32LE(0x200, entry + 20);
  file.set(section, 0x200);
  return file;
}

test.each(["md5", "sha1", "sha256"] as const)("sections of programs by %s", async (algorithm) => {
  const section = Buffer.alloc(0x200, "code");
  const engine = await engineOf([
    signature("T.Section", [{ ...hash(algorithm, section), of: "section" }]),
    signature("T.Object", [hash(algorithm, section)]),
  ]);
  expect(names(scan(engine, program(section), { type: "pe" }))).toEqual(["T.Section"]);
  expect(names(scan(engine, section))).toEqual(["T.Object"]);
});

test("a hundred thousand hashes take 24 bytes each, and their names", async () => {
  const core = await buildCore();
  const signatures = Array.from({ length: 100_000 }, (_, i) => {
    return signature(`Test.Hash-${i}`, [hash("md5", `object ${i}`)]);
  });
  const { image } = await compileSignatures({ signatures, diagnostics: [] }, core);
  expect(image.length).toBeLessThan(100_000 * 32);
  const engine = await Engine.attach(loadSet(image, { arenas: 1, arenaSize: 1 << 20, core }), 0);
  for (const i of [0, 1, 54_321, 99_999]) {
    expect(names(scan(engine, `object ${i}`))).toEqual([`Test.Hash-${i}`]);
  }
  expect(names(scan(engine, "object x"))).toEqual([]);
});
