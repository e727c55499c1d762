import { describe, expect, test } from "bun:test";
import { parseExecutable } from "../../src/executable/executable.ts";
import { type PeFile, parsePe } from "../../src/executable/pe/pe-file.ts";
import {
  buildPe,
  exportPart,
  importPart,
  type PeOptions,
  resourcePart,
  versionResource,
} from "../harness/pe-builder.ts";

function parsed(options: PeOptions = {}): PeFile {
  const file = parsePe(buildPe(options));
  if (file === undefined) throw new Error("not a program");
  return file;
}

describe("a Windows program's headers", () => {
  test("say where sections, entry point and overlay are", () => {
    const file = parsed({ overlay: Buffer.from("behind") });
    expect(file.entryPoint).toBe(0x400);
    expect(file.sections).toMatchObject([
      { name: ".text", offset: 0x400, size: 0x200, address: 0x1000, virtualSize: 2 },
    ]);
    expect(file.overlay).toEqual({ offset: 0x600, size: 6 });
    expect(parsed({ is64: true }).is64).toBe(true);
  });

  test.each<[string, number, number]>([
    ["the headers, mapped as they are", 0x80, 0x80],
    ["the first section", 0x1004, 0x404],
    ["its virtual part only", 0x1200, -1],
    ["beyond everything", 0x9_0000, -1],
  ])("place %s", (_, address, offset) => {
    expect(parsed().offsetOf(address)).toBe(offset);
  });

  test("are not seen in what only begins like one", () => {
    expect(parseExecutable(Buffer.from("MZ but a text"))).toBeUndefined();
    expect(parseExecutable(buildPe().subarray(0, 0xb0))).toBeUndefined();
    expect(parseExecutable(Buffer.alloc(0))).toBeUndefined();
  });
});

describe("imports", () => {
  const libraries = { "KERNEL32.dll": ["ExitProcess", "Sleep"], "WS2_32.dll": [3, 4000] };

  test.each([false, true])("are read, 64 bits: %p", (is64) => {
    const { imports } = parsed({ is64, parts: [importPart(libraries, is64)] });
    expect(imports.map(({ name }) => name)).toEqual(["KERNEL32.dll", "WS2_32.dll"]);
    expect(imports[0]?.functions.map(({ name }) => name)).toEqual(["ExitProcess", "Sleep"]);
    expect(imports[1]?.functions).toMatchObject([
      { name: "closesocket", ordinal: 3 },
      { name: "ord4000", ordinal: 4000 },
    ]);
  });

  test("make the text of the import hash", () => {
    expect(parsed({ parts: [importPart(libraries)] }).importHashText).toBe(
      "kernel32.exitprocess,kernel32.sleep,ws2_32.closesocket,ws2_32.ord4000",
    );
  });

  test("that name themselves over and over end", () => {
    // Every descriptor and every thunk of a large section points back to its start.
    const large = buildPe({
      parts: [
        {
          ...{ name: ".idata", directory: 1 },
          make: (address) => {
            const all = Buffer.alloc(1 << 20);
            for (let at = 0; at < all.length; at += 4) all.writeUInt32LE(address, at);
            return all;
          },
        },
      ],
    });
    const count = parsePe(large)?.imports.reduce((sum, one) => sum + one.functions.length, 0);
    expect(count ?? 0).toBeLessThanOrEqual(65_536);
  });
});

test("exports have names, ordinals, places and forwards", () => {
  const { exports } = parsed({
    parts: [exportPart("a.dll", { One: 0x80, Two: "other.Function" })],
  });
  expect(exports).toMatchObject({
    libraryName: "a.dll",
    timestamp: 1_500_000_000,
    functions: [
      { name: "One", ordinal: 5, offset: 0x80, forward: undefined },
      { name: "Two", ordinal: 6, offset: -1, forward: "other.Function" },
    ],
  });
});

describe("resources", () => {
  const part = resourcePart([
    { type: 10, name: "PAYLOAD", data: Buffer.from("data one") },
    { type: 16, name: 1, data: versionResource({ CompanyName: "Own", Comments: "Grüße" }) },
  ]);

  test("have types, names, languages and data", () => {
    const file = parsed({ parts: [part] });
    const [first, second] = file.resources?.list ?? [];
    expect(first).toMatchObject({ type: 10, language: 1033, size: 8 });
    expect(first?.name).toEqual(Buffer.from("PAYLOAD", "utf16le"));
    expect(file.reader.text(first?.offset ?? 0, 8)).toBe("data one");
    expect(second).toMatchObject({ type: 16, name: 1 });
  });

  test("tell the version's strings", () => {
    const { versionStrings, reader } = parsed({ parts: [part] });
    expect(versionStrings).toMatchObject([
      { key: "CompanyName", value: "Own" },
      { key: "Comments", value: "Grüße" },
    ]);
    for (const { key, offset } of versionStrings) {
      const wide = Buffer.from(reader.bytes.subarray(offset, offset + 2 * key.length));
      expect(wide.toString("utf16le")).toBe(key);
    }
  });

  test("whose directories hold each other end", () => {
    const make = () => {
      const table = Buffer.alloc(16 + 8 * 2000);
      table.writeUInt16LE(2000, 14);
      for (let at = 16; at < table.length; at += 8) table.writeUInt32LE(0x8000_0000, at + 4);
      return table;
    };
    const file = parsed({ parts: [{ name: ".rsrc", directory: 2, make }] });
    expect(file.resources?.list).toEqual([]);
  });
});
