// Importing files: what is loaded, what is skipped and why, what is wrong and where.
import { expect, test } from "bun:test";
import { type Imported, importClamav } from "../../../src/signature/clamav/importer.ts";

const file = (path: string, ...lines: string[]) => ({
  path,
  bytes: Buffer.from(`${lines.join("\n")}\n`, "latin1"),
});
const names = ({ signatures }: Imported) => signatures.map(({ info }) => info.name);
const MD5 = "0123456789abcdef0123456789abcdef";

test("importClamav() keeps names exactly and reads what is good beside what is not", () => {
  const imported = importClamav([
    file(
      "a.ndb",
      "# a comment",
      "Win.Test-1.UNOFFICIAL:0:*:616c706861",
      "short:0:*:41",
      "",
      "too:0:*:616c706861:1:2:3",
      "later:0:*:616c706861:999",
      "off:0:EP+0:616c706861",
      "Win.Test-2:1:EP+0:616c706861\r",
    ),
  ]);
  expect(names(imported)).toEqual(["Win.Test-1.UNOFFICIAL", "Win.Test-2"]);
  const [report] = imported.reports;
  expect(report).toMatchObject({ file: "a.ndb", loaded: 2, malformed: 3 });
  expect(report?.skipped).toEqual({ "for other versions of the engine": 1 });
  expect(report?.diagnostics.map(({ line, column, message }) => [line, column, message])).toEqual([
    [3, 13, "a part has no two fixed bytes in a row"],
    [5, 1, "the line has 7 fields"],
    [7, 7, "EP+0 is for executables only"],
  ]);
});

test.each([
  ["a;Engine:81-255,Target:0;0=0;616c706861", "it holds for everything that lacks its patterns"],
  [
    "a;Engine:81-255,Target:0;(0|1)=0;616c706861;6263",
    "it holds for everything that lacks its patterns",
  ],
  ["a;Engine:81-255,Target:0;0;6162", "two bytes anywhere are in nearly everything"],
  ["a;Engine:81-255,Target:0;0&1;6162;6364", "two bytes anywhere are in nearly everything"],
  ["a;Engine:241-255,Target:0;0;61626364", "for other versions of the engine"],
  ["a;Target:15;0;61626364", "target 15"],
  ["a;Target:0,Bogus:1;0;61626364", "attribute Bogus"],
  ["a;Target:1,IconGroup1:X;0;61626364", "icons are not compared"],
  ["a;Target:0,Container:CL_TYPE_NOSUCH;0;61626364", "file type CL_TYPE_NOSUCH"],
  ["a;Target:1;0&1;61626364;VI:0/a/", "offset VI of a regular expression"],
  ["a;Target:0;0;fuzzy_img#0123456789abcdef", "fuzzy image hash"],
  [`a;Target:0;0&1;61626364;$\{1-2}3$`, "a macro group without members"],
])("importClamav() skips %s", (line, reason) => {
  const imported = importClamav([file("a.ldb", line)]);
  expect(names(imported)).toEqual([]);
  expect(imported.reports[0]).toMatchObject({ skipped: { [reason]: 1 }, malformed: 0 });
});

test.each([
  ["a;Target:0;0", 1, "the line has 3 fields"],
  ["a;0;0;61626364", 3, "bad attribute 0"],
  ["a;FileSize:1-2;0;61626364", 3, "there is no Target"],
  ["a;Target:0,Engine:1-2;0;61626364", 3, "Engine must come first"],
  [
    "a;Target:0,EntryPoint:1-2;0;61626364",
    3,
    "EntryPoint and NumberOfSections are for executables only",
  ],
  ["a;Target:0;0;61626364;6566", 12, "the expression speaks of 1 subsignatures, the line has 2"],
  ["a;Target:0;0;61626364::x", 14, "unknown modifiers x"],
  ["a;Target:0;0&1;61626364;2(>>1#il4#=1)", 25, "subsignature 2 does not come before"],
  ["a;Target:0;0&1;61626364;0(>>1#dl4#=1)", 25, "decimal text has no byte order"],
  [`a;Target:0;0;$\{1-2}3$`, 14, "bad macro"],
  [";Target:0;0;61626364", 1, "bad name"],
])("importClamav() says what is wrong with %s", (line, column, message) => {
  const { reports } = importClamav([file("a.ldb", line)]);
  expect(reports[0]?.diagnostics).toEqual([
    expect.objectContaining({ file: "a.ldb", line: 1, column, message }),
  ]);
});

test("importClamav() reads hashes of objects, sections and import tables", () => {
  const sha1 = "a".repeat(40);
  const sha256 = "B".repeat(64);
  const { signatures, reports } = importClamav([
    file("a.hdb", `${MD5}:68:x`, `${sha1}:1:y`, `${MD5}:0:zero`, `${MD5}:*:any`, `${MD5}x:1:z`),
    file("a.hsb", `${sha256}:*:any:73`),
    file("a.mdb", `512:${MD5}:section`),
    file("a.imp", `${MD5}:*:imports`),
  ]);
  const hashes = signatures.flatMap(({ patterns }) => patterns);
  expect(hashes).toEqual([
    expect.objectContaining({ algorithm: "md5", size: 68 }),
    expect.objectContaining({ algorithm: "sha1", size: 1 }),
    expect.objectContaining({ algorithm: "sha256", size: null }),
    expect.objectContaining({ algorithm: "md5", size: 512, of: "section" }),
    expect.objectContaining({ algorithm: "md5", size: null, of: "imports" }),
  ]);
  expect(reports[0]).toMatchObject({ loaded: 2, malformed: 3 });
});

test("importClamav() keeps what is trusted apart, and marks what is only unwanted", () => {
  const imported = importClamav([
    file("a.fp", `${MD5}:68:x`),
    file("a.ndu", "Some.Tool:0:*:616c706861"),
    file("b.ndb", "PUA.Other:0:*:616c706861", "Plain:0:*:616c706861"),
  ]);
  const [trusted, ...others] = imported.signatures;
  expect(trusted).toMatchObject({ isTrusted: true, patterns: [{ algorithm: "md5", size: 68 }] });
  const severities = others.map(({ info }) => info.severity);
  expect(severities).toEqual(["unwanted", "unwanted", "infected"]);
});

test("importClamav() leaves out what ignore lists name, or name with the line's hash", () => {
  const line = "c:0:*:616c706861";
  const md5 = new Bun.CryptoHasher("md5").update(line).digest("hex");
  const imported = importClamav([
    file("z.ndb", "a:0:*:616c706861", "b:0:*:616c706861", line, "d:0:*:616c706861"),
    file("local.ign2", "a.UNOFFICIAL", `c:${md5}`, `d:${"0".repeat(32)}`),
    file("old.ign", "z.ndb:2:b"),
  ]);
  expect(names(imported)).toEqual(["d"]);
});

test("importClamav() gives macros the patterns of their group, whichever file comes first", () => {
  const imported = importClamav([
    file("a.ldb", `m;Engine:81-255,Target:0;0&1;616c706861;$\{1-9}7$`),
    file("b.ndb", "x:0:$7$:627261766f", "y:0:$7$:636861726c", "z:0:$8$:636861726c"),
  ]);
  expect(imported.signatures[0]?.judgement).toMatchObject({
    subsignatures: [
      { kind: "body", patterns: [0] },
      { kind: "macro", patterns: [1, 2], id: 0, min: 1, max: 9 },
    ],
  });
});

test("importClamav() takes anything for a file and never throws", () => {
  for (const extension of ["ldb", "ndb", "hdb", "mdb", "imp", "db", "ign2", "cvd", "cdb", "xyz"]) {
    const { reports } = importClamav([file(`a.${extension}`, "\0\xff;;;::::", "((((((((((")]);
    expect(reports[0]?.file).toBe(`a.${extension}`);
  }
});
