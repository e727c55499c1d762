import { describe, expect, test } from "bun:test";
import { fileType } from "../../../src/scan/file-type.ts";
import { UNOPENED_FORMATS } from "../../../src/unpack/archive/unopened.ts";
import { explodeProgram } from "../../../src/unpack/executable/program.ts";
import { unpackerFor } from "../../../src/unpack/registry.ts";
import { budgetOf, drain } from "../../harness/extracts.ts";
import { build7z, buildCab, buildRar4, buildRar5 } from "../archive/build-archives.ts";

const FILES = [{ name: "a.txt", content: "the content" }];

// Little more than the headers, with words of archives in what would be code.
function program(): Buffer {
  const bytes = Buffer.alloc(3000, 0x90);
  bytes.write("MZ", 0, "latin1");
  bytes.writeUInt32LE(128, 0x3c);
  bytes.write("PE\0\0", 128, "latin1");
  bytes.write("7z\xbc\xaf\x27\x1c Rar!\x1a\x07 MSCF\0\0\0\0", 1000, "latin1");
  return bytes;
}

describe("explodeProgram() finds an archive behind a program", () => {
  test.each<[string, Buffer]>([
    ["7z", build7z(FILES)],
    ["rar", buildRar4(FILES)],
    ["rar", buildRar5(FILES)],
    ["cab", buildCab(FILES)],
  ])("%s", (type, archive) => {
    const bytes = Buffer.concat([program(), archive]);
    expect(unpackerFor(fileType(bytes))).toBe(explodeProgram);
    const { status, extracts } = drain(explodeProgram(bytes, budgetOf()));
    expect(status).toBe("clean");
    expect(extracts.map(({ name }) => name)).toEqual([`${type} archive at 3000`]);
    expect(extracts.map((one) => fileType(one.bytes))).toEqual([type as "7z"]);
  });

  test("and more than one, but no end of them", () => {
    const two = Buffer.concat([program(), build7z(FILES), buildCab(FILES), buildRar5(FILES)]);
    expect(drain(explodeProgram(two, budgetOf())).extracts.length).toBe(3);
    const many = Buffer.concat([program(), ...Array<Buffer>(40).fill(buildCab(FILES))]);
    expect(drain(explodeProgram(many, budgetOf()))).toMatchObject({ status: "unscanned" });
  });

  test("but nothing in a program that only has the words", () => {
    expect(drain(explodeProgram(program(), budgetOf()))).toEqual({
      ...{ status: "clean", note: "", extracts: [] },
    });
  });
});

test("types that are known and not opened end unscanned, with the format's name", () => {
  for (const [type, format] of UNOPENED_FORMATS) {
    const unpack = unpackerFor(type);
    const found = unpack && drain(unpack(Buffer.from("x"), budgetOf()));
    expect(found?.status).toBe("unscanned");
    expect(found?.note).toStartWith(`${format} `);
  }
});

test.each<[string, string]>([
  ["SIT!\0\x01\0\0\0\x10rLau", "stuffit"],
  ["StuffIt (c)1997-2002 Aladdin", "stuffit"],
  ["\x89LZO\0\r\n\x1a\n\x10\x30", "lzop"],
  ["LRZI\0\x06\0\0\0\0", "lrzip"],
  ["ALZ\x01\x0a\0\0\0", "alz"],
  ["EGGA\0\x01\xaa\x55\xfe\x99", "egg"],
])("%j is known as %s", (start, type) => {
  expect(fileType(Buffer.from(start.padEnd(600, "\0"), "latin1"))).toBe(type as "egg");
});
