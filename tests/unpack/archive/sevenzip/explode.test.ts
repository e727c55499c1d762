import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { explode7z } from "../../../../src/unpack/archive/sevenzip/explode.ts";
import { budgetOf, budgetWith, drain, textOf } from "../../../harness/extracts.ts";
import { build7z } from "../build-archives.ts";
import { deflated7z, encrypted7z, packed7z } from "./build.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FILES = [
  { name: "a.txt", content: "the content" },
  { name: "folder/b.exe", content: "more content ".repeat(300) },
];

const open = (bytes: Buffer, budget = budgetOf()) => {
  const { status, note, extracts } = drain(explode7z(bytes, budget));
  const files = extracts.map(({ name, bytes: content }) => ({ name, content: textOf(content) }));
  return { status, note, files };
};

describe("explode7z()", () => {
  test.each([
    ["stored", build7z(FILES)],
    ["Zstandard", packed7z(FILES)],
    ["Deflate64", deflated7z(FILES)],
  ])("gives the files of an archive: %s", (_, bytes) => {
    expect(open(bytes)).toEqual({ status: "clean", note: "", files: FILES });
  });

  test("opens an encrypted one with a word of the message, and tells others", () => {
    const bytes = encrypted7z(FILES, "mellon1");
    const note = 'opened with the password "mellon1"';
    const opened = open(bytes, budgetWith("Speak mellon1 and enter."));
    expect(opened).toEqual({ status: "clean", note, files: FILES });
    const closed = open(bytes);
    expect(closed).toMatchObject({ status: "protected", files: [] });
    expect(closed.note).toStartWith("encrypted: a.txt");
  });

  test("does not derive keys that take for ever", () => {
    const bytes = encrypted7z(FILES, "infected", 40);
    expect(open(bytes)).toMatchObject({ status: "protected", files: [] });
  });

  test("says what does not fit, and what is not known", () => {
    const bytes = Buffer.from(packed7z(FILES));
    expect(open(bytes, budgetOf({ objectSizeMax: 100 })).status).toBe("unscanned");
    bytes[40] = (bytes[40] as number) ^ 255;
    expect(open(bytes).status).toBe("damaged");
  });

  test.each([
    ["test_read_format_7zip_zstd.7z", "clean"],
    ["test_read_format_7zip_zstd_bcj.7z", "clean"],
    ["test_read_format_7zip_encryption_header.7z", "protected"],
    ["test_read_format_7zip_bcj2_lzma2_1.7z", "clean"],
  ])("sample %s is %s", (name, status) => {
    const path = join(GW_CORPUS, "containers", "libarchive", "libarchive", name);
    const bytes = existsSync(path) ? readFileSync(path) : build7z(FILES);
    expect(open(bytes).status).toBe(existsSync(path) ? (status as "clean") : "clean");
  });
});
