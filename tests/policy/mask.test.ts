// Files of masks: what is read, and what is said of those that can't be.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMaskFile } from "../../src/policy/mask.ts";

const folder = mkdtempSync(join(tmpdir(), "gw-mask-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(content: string | Uint8Array): string {
  const file = join(folder, "list");
  writeFileSync(file, content);
  return file;
}

describe("a file of masks", () => {
  test("gives its lines without comments, blanks and ends of lines of any system", () => {
    const file = fileOf("# ours\r\n a@example.org \r\n\n*@example.net\n  # and\n<>");
    expect(readMaskFile(file)).toEqual(["a@example.org", "*@example.net", "<>"]);
  });

  test.each([
    ["two words on a line", "a@b.example\nc d\n", 'list:2: "c d" is no address'],
    ["a line without end", `a@b.example\n\n${"x".repeat(400)}`, "list:3: "],
    ["a program", new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0]), "not a text"],
    ["another encoding", new Uint8Array([0x6d, 0xfc, 0x6c]), "not UTF-8"],
    ["more masks than are kept", "a@b.example\n".repeat(500_001), "list:500001: more than"],
    ["more bytes than are read", " ".repeat(16 * 1024 * 1024 + 1), "larger than"],
  ])("with %s is refused with its place", (_, content, said) => {
    expect(() => readMaskFile(fileOf(content))).toThrow(said);
  });

  test("that is a folder or a device is refused, not waited for", () => {
    const below = join(folder, "folder");
    mkdirSync(below);
    expect(() => readMaskFile(below)).toThrow("a folder");
    expect(() => readMaskFile("/dev/zero")).toThrow("not a regular file");
  });
});
