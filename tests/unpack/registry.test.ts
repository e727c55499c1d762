import { expect, test } from "bun:test";
import { FILE_TYPES } from "../../src/scan/file-type.ts";
import { unpackerFor } from "../../src/unpack/registry.ts";
import { budgetOf, drain } from "../harness/extracts.ts";
import { buildZip } from "./build-zip.ts";

test.each(["zip", "ooxml", "odf", "jar"])("unpackerFor(%j) opens ZIP files", (type) => {
  const zip = buildZip([{ name: "a", bytes: Buffer.from("x") }]);
  const unpack = unpackerFor(type);
  expect(unpack && drain(unpack(zip, budgetOf())).extracts.map(({ name }) => name)).toEqual(["a"]);
});

test("unpackerFor() knows no type that file-type does not name, and not mail", () => {
  const known = FILE_TYPES.filter((type) => unpackerFor(type) !== undefined);
  expect(known).toEqual(expect.arrayContaining(["zip", "gzip", "text", "html", "mbox"]));
  for (const type of ["mail", "png", "", "__proto__", "constructor"]) {
    expect(unpackerFor(type)).toBeUndefined();
  }
});

test("no unpacker throws on empty or foreign bytes", () => {
  for (const type of FILE_TYPES) {
    const unpack = unpackerFor(type);
    if (unpack === undefined) continue;
    for (const bytes of [Buffer.alloc(0), Buffer.from("x"), Buffer.alloc(500, 0x50)]) {
      expect(() => drain(unpack(bytes, budgetOf()))).not.toThrow();
    }
  }
});
