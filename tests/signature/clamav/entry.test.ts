// Signatures of container metadata (.cdb): by name, size, container and place of an entry.
import { expect, test } from "bun:test";
import { importClamav } from "../../../src/signature/clamav/importer.ts";
import { scanningWith } from "./scanning.ts";

const MAIL = [
  "From: a@example.org",
  "MIME-Version: 1.0",
  'Content-Type: multipart/mixed; boundary="b"',
  "",
  "--b",
  "Content-Type: text/plain",
  "",
  "hello",
  "--b",
  'Content-Type: application/octet-stream; name="Invoice.PIF"',
  'Content-Disposition: attachment; filename="Invoice.PIF"',
  "",
  "0123456789",
  "--b--",
  "",
].join("\r\n");

const CASES: readonly (readonly [fields: string, isFound: boolean])[] = [
  ["CL_TYPE_MAIL:*:\\.PIF$:*:*:*:*:*:*", true],
  ["CL_TYPE_MAIL:*:\\.pif$:*:*:*:*:*:*", false],
  ["CL_TYPE_MAIL:*:(?i)\\.pif$:*:*:*:*:*:*", true],
  ["*:*:^Inv(oice)?\\.:*:*:*:*:*:*", true],
  ["CL_TYPE_ZIP:*:\\.PIF$:*:*:*:*:*:*", false],
  ["*:*:\\.PIF$:*:10:*:*:*:*", true],
  ["*:*:\\.PIF$:*:11-20:*:*:*:*", false],
  ["*:*:\\.PIF$:*:*:0:*:*:*", true],
  ["*:100-1000:\\.PIF$:*:*:*:*:*:*", true],
  ["*:1-99:\\.PIF$:*:*:*:*:*:*", false],
  ["*:*:\\.PIF$:*:*:*:2:*:*", true],
  ["*:*:\\.PIF$:*:*:*:1:*:*", false],
  ["*:*:\\.PIF$:*:*:*:*:crc:*:51", true],
];

test.each(CASES)("Name:%s finds an attachment: %p", async (fields, isFound) => {
  const line = Buffer.from(`Test.Entry:${fields}\n`, "latin1");
  const scanning = await scanningWith([{ path: "x.cdb", bytes: line }]);
  expect(scanning.diagnostics).toEqual([]);
  expect(scanning.loaded).toBe(1);
  const { names, isWhole } = scanning.scan(Buffer.from(MAIL), "mail.eml");
  expect(names).toEqual(isFound ? ["Test.Entry"] : []);
  expect(isWhole).toBe(true);
});

const OTHERS: readonly (readonly [line: string, report: object])[] = [
  ["a:*:*:x:1-2:*:*:*:*:*", { skipped: { "size in the container": 1 } }],
  ["a:*:*:x:*:*:1:*:*:*", { skipped: { "encrypted entries": 1 } }],
  ["a:*:*:*:*:*:*:*:*:*", { skipped: { "would match every entry": 1 } }],
  ["a:CL_TYPE_NOSUCH:*:x:*:*:*:*:*:*", { skipped: { "file type CL_TYPE_NOSUCH": 1 } }],
  ["a:*:*:x:*:*:*:*:*:*:300", { skipped: { "for other versions of the engine": 1 } }],
  [
    "a:*:*:x(:*:*:*:*:*:*",
    { diagnostics: [{ line: 1, column: 8, message: "a group is not closed" }] },
  ],
  ["a:*:1-x:x:*:*:*:*:*:*", { diagnostics: [{ column: 5, message: "bad range" }] }],
  ["a:*:*:x:*:*:2:*:*:*", { diagnostics: [{ message: "bad flag" }] }],
  ["a:*:*:x", { diagnostics: [{ message: "the line has 4 fields" }] }],
];

test.each(OTHERS)("%s is not loaded, and the report says why", (line, report) => {
  const { reports } = importClamav([{ path: "x.cdb", bytes: Buffer.from(line, "latin1") }]);
  expect(reports[0]).toMatchObject({ loaded: 0, ...report });
});
