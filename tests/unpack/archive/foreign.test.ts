import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Budget } from "../../../src/base/budget.ts";
import type { Explosion, Extract } from "../../../src/message.ts";
import { explodeForeign } from "../../../src/unpack/archive/library/foreign.ts";
import { explodeRar } from "../../../src/unpack/archive/library/rar.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import {
  build7z,
  buildCab,
  buildLha,
  buildRar4,
  buildRar5,
  type Stored,
} from "./build-archives.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDER = join(GW_CORPUS, "containers", "libarchive", "libarchive");

type Unpack = (bytes: Uint8Array, budget: Budget) => Generator<Extract, Explosion>;

function open(unpack: Unpack, bytes: Uint8Array, limits = {}) {
  const found = drain(unpack(bytes, budgetOf(limits)));
  const files = found.extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status: found.status, note: found.note, files };
}

const FILES: Stored[] = [
  { name: "a.txt", content: "the content" },
  { name: "folder/b.exe", content: "more content ".repeat(300) },
];
const GIVEN = FILES.map(({ name, content }) => [name, content]);
const CLEAN = { status: "clean" as const, note: "", files: GIVEN };

const FORMATS: [string, Unpack, Buffer][] = [
  ["7z", explodeForeign, build7z(FILES)],
  ["CAB", explodeForeign, buildCab(FILES)],
  ["LHA", explodeForeign, buildLha(FILES)],
  ["RAR 4", explodeRar, buildRar4(FILES)],
  ["RAR 5", explodeRar, buildRar5(FILES)],
];

describe.each(FORMATS)("%s", (name, unpack, bytes) => {
  test("is opened", () => {
    expect(open(unpack, bytes)).toEqual(CLEAN);
  });

  test("that is cut anywhere ends by a word, and gives nothing that was not there", () => {
    for (let size = 0; size < bytes.length; size += 97) {
      const { status, files } = open(unpack, bytes.subarray(0, size));
      // LHA has no end but the file's own.
      if (name !== "LHA") expect([size, status]).not.toEqual([size, "clean"]);
      for (const [file = "", content = ""] of files) {
        if (file.startsWith("data behind")) continue;
        expect(FILES.some((one) => one.content.startsWith(content))).toBe(true);
      }
    }
  });

  test("is bounded in size: what fits is still given", () => {
    const found = open(unpack, bytes, { objectSizeMax: 2000 });
    expect(found).toMatchObject({ status: "unscanned", files: [GIVEN[0]] });
  });

  test("is bounded in number", () => {
    const found = open(unpack, bytes, { objectCountMax: 1 });
    expect(found).toMatchObject({ status: "unscanned", note: "too many objects" });
  });

  test("with bytes changed anywhere never throws", () => {
    for (let at = 0; at < bytes.length; at += 149) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 0xff;
      open(unpack, changed);
    }
  });
});

test.each<[string, Unpack, Buffer]>([
  ["7z", explodeForeign, build7z(FILES)],
  ["CAB", explodeForeign, buildCab(FILES)],
  ["RAR 4", explodeRar, buildRar4(FILES)],
  ["RAR 5", explodeRar, buildRar5(FILES)],
])("what stands behind an archive is given: %s", (_, unpack, bytes) => {
  const { status, files } = open(unpack, Buffer.concat([bytes, Buffer.from("hidden data")]));
  expect([status, files.at(-1)]).toEqual(["clean", ["data behind the archive", "hidden data"]]);
});

describe("encrypted files are told, or opened with a usual password, and the others given", () => {
  test("RAR 4 and RAR 5", () => {
    const four = open(explodeRar, buildRar4(FILES, { fileFlags: 4 }));
    expect(four).toMatchObject({ status: "protected", files: [] });
    expect(four.note).toContain("a.txt, folder/b.exe");
    const five = open(explodeRar, buildRar5(FILES, { isEncrypted: true }));
    expect(five).toMatchObject({ status: "protected", files: [] });
  });

  test("7z, by its coder", () => {
    // 06 F1 07 01 is AES-256, with five bytes of properties.
    const coder = [0x24, 6, 0xf1, 7, 1, 5, 0x53, 7, 1, 2, 3];
    expect(open(explodeForeign, build7z(FILES, coder))).toMatchObject({
      status: "protected",
      files: [],
    });
  });

  test.skipIf(!existsSync(FOLDER)).each([
    ["test_read_format_7zip_encryption_header.7z", "protected", 0],
    ["test_read_format_rar_encryption_header.rar", "protected", 0],
    ["test_read_format_rar5_encrypted_filenames.rar", "clean", 4],
    ["test_read_format_rar5_solid_encrypted.rar", "clean", 4],
    ["test_read_format_rar4_encrypted.rar", "protected", 3],
  ])("%s", (name, status, count) => {
    const bytes = readFileSync(join(FOLDER, name));
    const found = open(name.endsWith("7z") ? explodeForeign : explodeRar, bytes);
    expect([found.status, found.files.length]).toEqual([status as Explosion["status"], count]);
  });
});

describe("what cannot be opened is told", () => {
  test.each<[string, Unpack, Buffer, string]>([
    ["parts of RAR 4", explodeRar, buildRar4(FILES, { mainFlags: 1 }), "several volumes"],
    ["parts of RAR 5", explodeRar, buildRar5(FILES, { mainFlags: 1 }), "several volumes"],
    ["RAR 1.5", explodeRar, buildRar4(FILES, { version: 15, method: 0x33 }), "before version 2"],
    ["RAR 1.3", explodeRar, Buffer.from("RE~^ and so on"), "first versions"],
    ["sets of cabinets", explodeForeign, buildCab(FILES, 1), "set of cabinets"],
    // 03 01 01 is LZMA, 04 F7 11 01 Zstandard, and 09 no coder at all.
    ["Zstandard in 7z", explodeForeign, build7z(FILES, [4, 4, 0xf7, 0x11, 1]), "unsupported"],
    ["LHA methods", explodeForeign, buildLha(FILES, "-lh9-"), "Unrecognized"],
  ])("%s", (_, unpack, bytes, note) => {
    const found = open(unpack, bytes);
    expect(found.status).toBe("unscanned");
    expect(found.note).toContain(note);
  });
});

test("a file whose checksum is wrong is given, and told", () => {
  const bytes = build7z(FILES);
  bytes[40] = (bytes[40] as number) ^ 1;
  expect(open(explodeForeign, bytes).status).toBe("damaged");
  const rar = buildRar5(FILES);
  const at = rar.indexOf("the content");
  rar.write("THE", at);
  const found = open(explodeRar, rar);
  expect(found.status).toBe("damaged");
  expect(found.files.map(([, content]) => content)).toContain("THE content");
});
