import { describe, expect, test } from "bun:test";
import { parseElf } from "../../src/executable/elf.ts";
import { parseExecutable } from "../../src/executable/executable.ts";
import { moduleOf } from "../../src/scan/judge/modules/modules.ts";
import type { ModuleFunction, ModuleStruct } from "../../src/scan/judge/modules/value.ts";

/** Writes numbers of one width and byte order, one after another. */
class Writer {
  readonly bytes: Buffer;
  readonly #isBig: boolean;

  constructor(size: number, isBig: boolean) {
    this.bytes = Buffer.alloc(size);
    this.#isBig = isBig;
  }

  put(at: number, width: number, ...values: readonly number[]): void {
    values.forEach((value, index) => {
      const to = at + index * width;
      if (width === 8) {
        const [low, high] = this.#isBig ? [to + 4, to] : [to, to + 4];
        this.put(low, 4, value);
        this.put(high, 4, 0);
      } else if (this.#isBig) this.bytes.writeUIntBE(value, to, width);
      else this.bytes.writeUIntLE(value, to, width);
    });
  }
}

const NAMES = "\0.text\0.dynsym\0.names\0";
const SYMBOLS = "\0printf\0main\0";

/** A program of one segment at 0x10000 with code, symbols, names and a dynamic section. */
function buildElf(is64: boolean, isBig: boolean): Buffer {
  const word = is64 ? 8 : 4;
  const [header, segment, section, symbol] = is64 ? [64, 56, 64, 24] : [52, 32, 40, 16];
  const writer = new Writer(0x600, isBig);
  const { bytes } = writer;
  bytes.write("\x7fELF", 0, "latin1");
  bytes[4] = is64 ? 2 : 1;
  bytes[5] = isBig ? 2 : 1;
  writer.put(16, 2, 2, 62);
  writer.put(24, word, 0x1_0200, header, 0x400);
  const tail = 24 + 3 * word + 4;
  writer.put(tail, 2, header, segment, 2, section, 4, 3);
  const [fields, step] = is64 ? [header + 8, 8] : [header + 4, 4];
  writer.put(header, 4, 1);
  writer.put(fields, step, 0, 0x1_0000, 0x1_0000, 0x600, 0x600);
  writer.put(header + segment, 4, 2);
  writer.put(fields + segment, step, 0x300, 0x1_0300, 0x1_0300, 4 * word, 4 * word);
  writer.put(0x300, word, 1, 7, 0, 0);
  bytes.write(NAMES, 0x240, "latin1");
  bytes.write(SYMBOLS, 0x280, "latin1");
  const second = 0x2a0 + symbol;
  writer.put(second, 4, 1);
  bytes[second + (is64 ? 4 : 12)] = 0x12;
  writer.put(second + symbol, 4, 8);
  writer.put(second + symbol + (is64 ? 6 : 14), 2, 1);
  const sections: [name: number, type: number, offset: number, size: number, link: number][] = [
    [0, 0, 0, 0, 0],
    [1, 1, 0x200, 16, 0],
    [7, 11, 0x2a0, 3 * symbol, 3],
    [15, 3, 0x240, 0x60, 0],
  ];
  sections.forEach(([name, type, offset, size, link], index) => {
    const at = 0x400 + index * section;
    writer.put(at, 4, name, type);
    writer.put(at + 8 + word, word, 0x1_0000 + offset, offset, size);
    writer.put(at + 8 + 4 * word, 4, link);
  });
  // One table of names serves sections and symbols: those begin 0x40 further on.
  writer.put(second, 4, 0x41);
  writer.put(second + symbol, 4, 0x48);
  return bytes;
}

describe.each([
  [true, false],
  [true, true],
  [false, false],
  [false, true],
])("an ELF file, 64 bits: %p, big-endian: %p", (is64, isBig) => {
  const bytes = Buffer.concat([buildElf(is64, isBig), Buffer.from("behind")]);
  const file = parseElf(bytes);

  test("tells entry point, sections and segments", () => {
    expect(file?.entryPoint).toBe(0x200);
    expect(file?.sections.map(({ name }) => name)).toEqual(["", ".text", ".dynsym", ".names"]);
    expect(file?.segments).toMatchObject([
      { type: 1, address: 0x1_0000, fileSize: 0x600 },
      { type: 2, offset: 0x300 },
    ]);
    expect(file?.overlay).toEqual({ offset: 0x600, size: 6 });
  });

  test("tells symbols and the dynamic section", () => {
    expect(file?.dynamicSymbols).toMatchObject([
      { name: "" },
      { name: "printf", type: 2, bind: 1, sectionIndex: 0 },
      { name: "main", sectionIndex: 1 },
    ]);
    expect(file?.symbols).toBeUndefined();
    expect(file?.dynamic).toEqual([
      { type: 1, value: 7 },
      { type: 0, value: 0 },
    ]);
  });

  test("is what YARA's module shows", () => {
    const elf = moduleOf("elf", { bytes }, file) as Record<
      string,
      ModuleStruct[keyof ModuleStruct]
    >;
    const [entry, count] = ["entry_point", "dynsym_entries"];
    expect([elf[entry as string], elf[count as string]]).toEqual([0x200, 3]);
    const name = "import_md5";
    expect((elf[name] as ModuleFunction)()).toBe(
      new Bun.CryptoHasher("md5").update("printf").digest("hex"),
    );
  });
});

test("what is cut or of no known kind is no ELF file", () => {
  const bytes = buildElf(true, false);
  expect(parseExecutable(bytes.subarray(0, 63))).toBeUndefined();
  bytes[4] = 3;
  expect(parseExecutable(bytes)).toBeUndefined();
});
