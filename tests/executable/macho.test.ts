import { describe, expect, test } from "bun:test";
import { parseExecutable } from "../../src/executable/executable.ts";
import { parseMach, universalMembers } from "../../src/executable/macho.ts";

const ARM64 = 0x0100_000c;

/** A 64-bit program: one segment with one section, a library, an entry point. */
function buildMach(entry: "main" | "thread" | "none" = "main"): Buffer {
  const bytes = Buffer.alloc(0x1000);
  const words = (at: number, ...values: readonly number[]) => {
    values.forEach((value, index) => {
      bytes.writeUInt32LE(value >>> 0, at + index * 4);
    });
  };
  words(0, 0xfeed_facf, ARM64, 0, 2, entry === "none" ? 2 : 3, 0, 0x20_0000);
  words(32, 0x19, 72 + 80);
  bytes.write("__TEXT", 40, "latin1");
  words(32 + 24, 0x1_0000, 0, 0x2000, 0, 0, 0, 0xf00, 0, 5, 5, 1, 0);
  const section = 32 + 72;
  bytes.write("__text", section, "latin1");
  words(section + 32, 0x1_0200, 0, 0x100, 0, 0x200);
  const library = 32 + 72 + 80;
  words(library, 0xc, 40, 24);
  bytes.write("/usr/lib/x.dylib", library + 24, "latin1");
  if (entry === "main") words(library + 40, 0x8000_0028, 24, 0x210, 0);
  if (entry === "thread") {
    words(library + 40, 5, 300, 6, 68);
    words(library + 40 + 16 + 32 * 8, 0x1_0220);
  }
  return bytes;
}

describe("a Mach-O program", () => {
  test("tells sections, libraries and what is behind it", () => {
    const file = parseExecutable(buildMach());
    expect(file?.format).toBe("macho");
    expect(file?.sections).toMatchObject([{ name: "__text", offset: 0x200, size: 0x100 }]);
    expect(file?.overlay).toEqual({ offset: 0xf00, size: 0x100 });
    expect(parseMach(buildMach())?.libraries).toEqual(["/usr/lib/x.dylib"]);
  });

  test.each([
    ["main", 0x210],
    ["thread", 0x220],
    ["none", -1],
  ] as const)("has its entry point from %s", (kind, offset) => {
    expect(parseMach(buildMach(kind))?.entryPoint).toBe(offset);
  });

  test("may lie in a universal file", () => {
    const fat = Buffer.alloc(0x100);
    [0xcafe_babe, 1, ARM64, 0, 0x100, 0x1000, 0].forEach((value, index) => {
      fat.writeUInt32BE(value >>> 0, index * 4);
    });
    const bytes = Buffer.concat([fat, buildMach()]);
    expect(universalMembers(bytes)).toEqual([{ processor: ARM64, offset: 0x100, size: 0x1000 }]);
    expect(parseExecutable(bytes)?.entryPoint).toBe(0x310);
  });

  test("is not a Java class, which begins as universal files do", () => {
    const java = Buffer.alloc(64);
    java.writeUInt32BE(0xcafebabe, 0);
    java.writeUInt32BE(52, 4);
    expect(universalMembers(java)).toEqual([]);
    expect(parseExecutable(java)).toBeUndefined();
  });
});
