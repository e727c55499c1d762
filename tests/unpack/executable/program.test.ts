import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileType } from "../../../src/scan/file-type.ts";
import { explodeProgram } from "../../../src/unpack/executable/program.ts";
import { unpackerFor } from "../../../src/unpack/registry.ts";
import { dotnetPart } from "../../harness/dotnet-builder.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { buildPe, resourcePart, versionResource } from "../../harness/pe-builder.ts";
import { build7z } from "../archive/build-archives.ts";
import { buildZip } from "../build-zip.ts";

const CONTENT = Buffer.from("this is what the program carries");

function found(bytes: Uint8Array): Record<string, string> {
  const { extracts } = drain(explodeProgram(bytes, budgetOf()));
  return Object.fromEntries(extracts.map((one) => [one.name, textOf(one.bytes)]));
}

test.each(["pe", "dosexe", "elf", "macho"])("%s files are taken apart", (type) => {
  expect(unpackerFor(type)).toBe(explodeProgram);
});

describe("behind a program", () => {
  test("data is given", () => {
    expect(found(buildPe({ overlay: CONTENT }))).toEqual({
      "data behind the program": textOf(CONTENT),
    });
    expect(found(buildPe({ overlay: Buffer.alloc(99) }))).toEqual({});
  });

  test("an archive is given once", () => {
    const bytes = buildPe({ overlay: build7z([{ name: "a", content: "b" }]) });
    expect(Object.keys(found(bytes))).toEqual(["7z archive at 1536"]);
  });

  test("a ZIP file is left to the reader of ZIP files", () => {
    const zip = buildZip([{ name: "a.txt", bytes: CONTENT }]);
    expect(found(buildPe({ overlay: zip }))).toEqual({});
  });

  test("a ZIP file whose directory names nothing is given, for no reader would see its files", () => {
    const zip = buildZip([{ name: "a.txt", bytes: CONTENT, isHidden: true }]);
    expect(found(buildPe({ overlay: zip }))).toEqual({ "data behind the program": textOf(zip) });
  });

  test("a signature is no data, but what hides behind it is", () => {
    const der = Buffer.concat([Buffer.from([0x30, 20]), Buffer.alloc(20, 7)]);
    const entry = (...pieces: Buffer[]) => {
      const body = Buffer.concat(pieces);
      const head = Buffer.alloc(8);
      head.writeUInt32LE(8 + body.length, 0);
      head.writeUInt32LE(0x0002_0200, 4);
      return Buffer.concat([head, body]);
    };
    expect(found(buildPe({ certificates: entry(der, Buffer.alloc(2)) }))).toEqual({});
    const twice = Buffer.concat([entry(der, Buffer.alloc(2)), entry(der, Buffer.alloc(2))]);
    expect(found(buildPe({ certificates: twice }))).toEqual({});
    expect(found(buildPe({ certificates: entry(der, CONTENT) }))).toEqual({
      "data behind the signature": textOf(CONTENT),
    });
    const both = buildPe({ overlay: CONTENT, certificates: entry(der, Buffer.alloc(2)) });
    expect(found(both)).toEqual({ "data behind the program": textOf(CONTENT) });
  });
});

test("resources that may be files are given, the user interface is not", () => {
  const part = resourcePart([
    { type: 10, name: "DROP", data: CONTENT },
    { type: "TYPELIB", name: 1, data: CONTENT },
    { type: 23, name: "page.htm", data: Buffer.from("<html>a page of the program</html>") },
    { type: 3, name: 1, data: Buffer.alloc(40, 1) },
    { type: 3, name: 2, data: Buffer.concat([Buffer.from("MZ"), Buffer.alloc(40, 1)]) },
    { type: 16, name: 1, data: versionResource({ CompanyName: "Own" }) },
  ]);
  expect(Object.keys(found(buildPe({ parts: [part] })))).toEqual([
    ...["resource data/DROP", "resource TYPELIB/1", "resource html/page.htm", "resource 3/2"],
  ]);
});

describe("managed resources", () => {
  test("are given as they are", () => {
    const bytes = buildPe({ parts: [dotnetPart({ resource: CONTENT })] });
    expect(found(bytes)).toEqual({ "Own.data": textOf(CONTENT) });
  });

  test("that are lists of values are given value by value", () => {
    const bytes = buildPe({ parts: [dotnetPart({ resource: valueList() })] });
    expect(found(bytes)).toEqual({ "Own.data/stage": textOf(CONTENT) });
  });
});

/** A list with a byte array and a short text. */
function valueList(): Buffer {
  const long = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => {
      bytes.writeUInt32LE(value >>> 0, index * 4);
    });
    return bytes;
  };
  const name = (text: string, offset: number) => {
    const bytes = Buffer.from(text, "utf16le");
    return Buffer.concat([Buffer.from([bytes.length]), bytes, long(offset)]);
  };
  const values = [
    Buffer.concat([Buffer.from([0x20]), long(CONTENT.length), CONTENT]),
    Buffer.from("\x01\x05Title", "latin1"),
  ] as const;
  const names = [name("stage", 0), name("title", values[0].length)] as const;
  const front = 12 + 12;
  const tables = front + 4 * 4;
  const namesSize = names[0].length + names[1].length;
  const dataAt = tables + 4 + namesSize;
  return Buffer.concat([
    ...[long(0xbeefcace, 1, 0), long(2, 2, 0), long(1, 2), long(0, names[0].length), long(dataAt)],
    ...[...names, ...values],
  ]);
}

test("a universal file is given program by program", () => {
  const thin = Buffer.alloc(64, 1);
  thin.writeUInt32BE(0xcffaedfe, 0);
  const fat = Buffer.alloc(256);
  fat.writeUInt32BE(0xcafebabe, 0);
  fat.writeUInt32BE(2, 4);
  [0x0100_0007, 0x0100_000c].forEach((processor, index) => {
    const at = 8 + 20 * index;
    fat.writeUInt32BE(processor, at);
    fat.writeUInt32BE(128 + 64 * index, at + 8);
    fat.writeUInt32BE(64, at + 12);
    thin.copy(fat, 128 + 64 * index);
  });
  expect(fileType(fat)).toBe("macho");
  expect(Object.keys(found(fat))).toEqual(["program for processor 7", "program for processor 12"]);
});

const HOST_FOLDER = "/usr/bin";

test("ordinary programs of this machine are clean and carry next to nothing", () => {
  const names = existsSync(HOST_FOLDER) ? readdirSync(HOST_FOLDER).sort() : [];
  const odd: string[] = [];
  for (const name of names.filter((_, index) => index % 20 === 0)) {
    const path = join(HOST_FOLDER, name);
    if (!existsSync(path) || !statSync(path).isFile() || statSync(path).size > 1 << 20) continue;
    const bytes = readFileSync(path);
    if (fileType(bytes) !== "elf") continue;
    const { status, extracts } = drain(explodeProgram(bytes, budgetOf()));
    if (status !== "clean" || extracts.length > 0) odd.push(`${name}: ${status}`);
  }
  expect(odd).toEqual([]);
});
