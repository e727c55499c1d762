import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { explodeRar } from "../../../../src/unpack/archive/library/rar.ts";
import { budgetOf, budgetWith, drain, textOf } from "../../../harness/extracts.ts";
import { buildRar4 } from "../build-archives.ts";
import { encryptedRar4, encryptedRar5 } from "./build.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FILES = [
  { name: "a.txt", content: "the content" },
  { name: "b.exe", content: "more content ".repeat(200) },
];

function open(bytes: Buffer, text: string) {
  const { status, note, extracts } = drain(explodeRar(bytes, budgetWith(text)));
  const files = extracts.map(({ name, bytes: content }) => ({ name, content: textOf(content) }));
  return { status, note, files };
}

describe.each([
  ["RAR 5", encryptedRar5(FILES, "mellon7"), "encrypted: a.txt, b.exe"],
  ["RAR 5 with its headers", encryptedRar5(FILES, "mellon7", true), "encrypted, with all names"],
  ["RAR 3", encryptedRar4(FILES, "mellon7"), "encrypted: a.txt, b.exe"],
  ["RAR 3 with its headers", encryptedRar4(FILES, "mellon7", true), "encrypted, with all names"],
])("explodeRar() of an encrypted archive: %s", (_, bytes, told) => {
  test("opens it with a word of the message", () => {
    const note = 'opened with the password "mellon7"';
    expect(open(bytes, "password: mellon7")).toEqual({ status: "clean", note, files: FILES });
  });

  test("calls it protected if no word fits", () => {
    expect(open(bytes, "nothing")).toEqual({ status: "protected", note: told, files: [] });
  });

  test("never throws at damage", () => {
    // Little time, so that deriving keys does not take most of the test.
    const budget = () => budgetOf({ timeMaxMs: 400 });
    for (let at = 7; at < bytes.length; at += Math.ceil(bytes.length / 12)) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] as number) ^ 0x55;
      const { extracts } = drain(explodeRar(broken, budget()));
      expect(extracts.length).toBeLessThanOrEqual(3);
    }
  });
});

// Cut between a block and the next, too, where the next one's vector should be.
test("explodeRar() of RAR 5 never throws at an end that is missing, though it has the password", () => {
  const bytes = encryptedRar5(FILES, "mellon7", true);
  for (let size = bytes.length - 1; size > bytes.length - 80; size -= 3) {
    const { files } = open(bytes.subarray(0, size), "password: mellon7");
    expect(files.length).toBeLessThanOrEqual(FILES.length);
  }
});

test.each([
  ["libarchive/libarchive/test_read_format_rar5_solid_encrypted.rar", 4],
  ["libarchive/libarchive/test_read_format_rar5_encrypted_filenames.rar", 4],
  ["rarfile/rar5-psw.rar", 2],
])("sample %s is opened", (name, count) => {
  const path = join(GW_CORPUS, "containers", name);
  if (!existsSync(path)) {
    expect(open(buildRar4(FILES), "").files).toEqual(FILES);
    return;
  }
  const found = open(readFileSync(path), "password: password");
  expect([found.status, found.files.length]).toEqual(["clean", count]);
});
