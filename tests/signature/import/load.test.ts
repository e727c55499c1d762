// Reading signatures of all formats, by the names of their files.
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSignatures, readSignatureFiles } from "../../../src/signature/import/load.ts";

const file = (path: string, text: string) => ({ path, bytes: Buffer.from(text) });
const MD5 = "0123456789abcdef0123456789abcdef";
const SHA1 = "0123456789abcdef0123456789abcdef01234567";
const SHA256 = `${MD5}${MD5}`;

test("loadSignatures() reads each file by its extension", () => {
  const { signatures, reports } = loadSignatures([
    file("own.gws", 'signature Own.One\n  text $a "some text"\nend\n'),
    file("theirs.NDB", "Theirs.One:0:*:616c706861\n"),
    file("list.txt", `${MD5}\n`),
    file("notes.doc", "whatever\n"),
  ]);
  expect(signatures.map(({ info }) => info.name).sort()).toEqual([
    "Hash.list.0123456789abcdef",
    "Own.One",
    "Theirs.One",
  ]);
  expect(reports.find((report) => report.file === "notes.doc")?.skipped).toEqual({
    "unknown kind of file": 1,
  });
});

test.each([
  ["one per line, with comments", "a.txt", `# list\n${MD5}\n${SHA1.toUpperCase()}\n${MD5}\n`, 2],
  ["sums with file names", "a.sha256", `${SHA256}  evil.exe\n${SHA256.replace("0", "f")} *b\n`, 2],
  ["CSV, the strongest of a row", "a.csv", `"md5","sha256","name"\n"${MD5}","${SHA256}","x"\n`, 1],
  [
    "MISP events",
    "a.json",
    JSON.stringify({
      Event: { Attribute: [{ value: `evil.exe|${SHA256}` }, { value: MD5 }, { value: "1.2.3.4" }] },
    }),
    2,
  ],
])("loadSignatures() reads hashes from %s", (_, path, text, count) => {
  const { signatures, reports } = loadSignatures([file(path, text)]);
  expect(signatures).toHaveLength(count);
  expect(reports[0]).toMatchObject({ loaded: count, malformed: 0 });
});

test("loadSignatures() reports lines of a list that hold no hash, and JSON that is none", () => {
  const { reports } = loadSignatures([file("a.txt", `${MD5}\nnonsense\n`), file("b.json", "{")]);
  expect(reports.map(({ malformed }) => malformed)).toEqual([1, 1]);
  expect(reports[0]?.diagnostics[0]).toMatchObject({ line: 2, message: "there is no hash" });
});

test("readSignatureFiles() takes files as named, and of folders what holds signatures", () => {
  const folder = mkdtempSync(join(tmpdir(), "gw-load-"));
  try {
    mkdirSync(join(folder, "inner"));
    for (const name of ["a.ndb", "inner/b.LDB", "inner/README.md", "list.txt"]) {
      writeFileSync(join(folder, name), "");
    }
    const names = (paths: string[]) =>
      readSignatureFiles(paths).map(({ path }) => path.slice(folder.length + 1));
    expect(names([folder])).toEqual(["a.ndb", "inner/b.LDB"]);
    expect(names([join(folder, "list.txt")])).toEqual(["list.txt"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
