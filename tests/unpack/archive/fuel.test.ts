import { describe, expect, test } from "bun:test";
import { withFuel } from "../../../src/unpack/archive/library/fuel.ts";
import { LibraryArchive } from "../../../src/unpack/archive/library/library.ts";
import { textOf } from "../../harness/extracts.ts";
import { build7z } from "./build-archives.ts";

// (module (func (export "f") (param i32) (result i32)
//   (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0)))
const COUNTDOWN = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f],
  ...[3, 2, 1, 0],
  ...[6, 6, 1, 0x7f, 0, 0x41, 7, 0x0b],
  ...[7, 5, 1, 1, 0x66, 0, 0],
  ...[10, 18, 1, 16, 0, 0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x20, 0, 0x0b],
]);

interface Countdown {
  readonly fuel: WebAssembly.Global<"i32">;
  f(count: number): number;
}

function countdown(): Countdown {
  const module = new WebAssembly.Module(withFuel(COUNTDOWN));
  return new WebAssembly.Instance(module).exports as unknown as Countdown;
}

describe("withFuel()", () => {
  test("lets loops run as long as there is fuel", () => {
    const { f, fuel } = countdown();
    fuel.value = 1001;
    expect(f(1000)).toBe(0);
    expect(fuel.value).toBe(1);
  });

  test("stops them when there is none", () => {
    const { f, fuel } = countdown();
    fuel.value = 1000;
    expect(() => f(1000)).toThrow();
    expect(fuel.value).toBe(0);
    // A countdown from zero runs through all numbers there are.
    fuel.value = 1_000_000;
    expect(() => f(0)).toThrow();
  });

  test("refuses instructions it does not know", () => {
    const module = Uint8Array.from(COUNTDOWN);
    module[module.length - 3] = 0xfd;
    expect(() => withFuel(module)).toThrow("unknown instruction");
  });
});

const goesOn = () => true;

describe("LibraryArchive", () => {
  const files = [
    { name: "a.txt", content: "the content" },
    { name: "größe.txt", content: "x".repeat(10_000) },
  ];

  test("gives entries and their data, in chunks", () => {
    const archive = new LibraryArchive(build7z(files));
    const names: string[] = [];
    for (let entry = archive.next(); entry !== undefined; entry = archive.next()) {
      names.push(entry.name);
      const { bytes, end } = archive.read(20_000, goesOn);
      expect([end, textOf(bytes)]).toEqual(["whole", files[names.length - 1]?.content ?? ""]);
    }
    expect([names.length, names[0], archive.problem]).toEqual([2, "a.txt", ""]);
  });

  test("stops at a size, and when asked to", () => {
    const large = new LibraryArchive(build7z([{ name: "a", content: "x".repeat(16_000) }]));
    large.next();
    expect(large.read(100, goesOn)).toEqual({ bytes: new Uint8Array(0), end: "too-large" });
    const stopped = new LibraryArchive(build7z(files));
    stopped.next();
    expect(stopped.read(100, () => false).end).toBe("too-large");
    expect(stopped.skip(1 << 20, () => false)).toBe(false);
  });

  test("says why it ends, and stays ended", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("no archive"), build7z(files)]) {
      const archive = new LibraryArchive(bytes);
      while (archive.next() !== undefined) archive.read(1 << 20, goesOn);
      expect(archive.problem).toBe(bytes.length === 10 ? "Unrecognized archive format" : "");
      expect(archive.next()).toBeUndefined();
      expect(archive.read(10, goesOn).end).toBe("broken");
      expect(archive.isOutOfFuel).toBe(false);
    }
  });

  test("tells when it may not have the memory it wants", () => {
    // LZMA (03 01 01) with a dictionary of 1.5 GB.
    const coder = [0x23, 3, 1, 1, 5, 0x5d, 0, 0, 0, 0x60];
    const archive = new LibraryArchive(build7z(files, coder));
    archive.next();
    archive.read(1 << 20, goesOn);
    expect(archive.isOutOfMemory).toBe(true);
    expect(archive.problem).toBe("needs more memory than is allowed");
  });
});
