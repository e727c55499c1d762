// Signatures of container metadata (.cdb): by name, size, container and place of an entry; and places
// in the version information of programs.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { importClamav } from "../../../src/signature/clamav/importer.ts";
import { lockedZip } from "../../../src/vault/locked-zip.ts";
import { buildPe, resourcePart, versionResource } from "../../harness/pe-builder.ts";
import { zipArchive } from "../../harness/sample-mail.ts";
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
  ["a:*:*:*:*:*:1:*:*:*", { skipped: { "would match every entry": 1 } }],
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

const CONTENT = Buffer.from("0123456789");
const PLAIN = zipArchive([{ name: "a/plain.exe", data: CONTENT, isStored: true }]);
// Opened by one of the usual passwords.
const OPENED = lockedZip({ name: "plain.exe", bytes: CONTENT, at: 0, salt: Buffer.alloc(12, 1) });

// An entry of 10 bytes, of which 22 are there that no password opens.
function closedZip(): Buffer {
  const zip = zipArchive([{ name: "plain.exe", data: Buffer.alloc(22, 0xc5), isStored: true }]);
  const central = zip.indexOf("PK\x01\x02", 0, "latin1");
  for (const flags of [6, central + 8]) zip.writeUInt16LE(1, flags);
  for (const size of [22, central + 24]) zip.writeUInt32LE(CONTENT.length, size);
  return zip;
}
const CLOSED = closedZip();

// As clamscan has it for such archives.
const STORED: readonly (readonly [fields: string, plain: boolean, closed: boolean])[] = [
  ["CL_TYPE_ZIP:*:\\.exe$:*:*:1:*:*:*", false, true],
  ["CL_TYPE_ZIP:*:\\.exe$:*:*:0:*:*:*", true, false],
  ["CL_TYPE_ZIP:*:\\.exe$:*:*:*:*:*:*", true, true],
  ["CL_TYPE_ZIP:*:\\.exe$:*:10:1:*:*:*", false, true],
  ["CL_TYPE_ZIP:*:\\.exe$:*:11:*:*:*:*", false, false],
  ["CL_TYPE_ZIP:*:\\.exe$:10:*:*:*:*:*", true, false],
  ["CL_TYPE_ZIP:*:\\.exe$:11-99:*:*:*:*:*", false, true],
  ["CL_TYPE_ZIP:*:\\.scr$:*:*:1:*:*:*", false, false],
  ["CL_TYPE_RAR:*:\\.exe$:*:*:1:*:*:*", false, false],
];

test.each(STORED)("Name:%s finds an entry of a zip: %p, an encrypted one: %p", async (...given) => {
  const [fields, plain, closed] = given;
  const line = Buffer.from(`Test.Entry:${fields}\n`, "latin1");
  const scanning = await scanningWith([{ path: "x.cdb", bytes: line }]);
  expect(scanning.diagnostics).toEqual([]);
  expect(scanning.scan(PLAIN, "x.zip").names).toEqual(plain ? ["Test.Entry"] : []);
  for (const zip of [CLOSED, OPENED]) {
    expect(scanning.scan(zip, "x.zip").names).toEqual(closed ? ["Test.Entry"] : []);
  }
});

test("of a closed entry nothing but signatures on entries is asked", async () => {
  const empty = createHash("md5").update("").digest("hex");
  const files = [
    { path: "x.ldb", bytes: Buffer.from("Test.Size;Target:0,FileSize:0-9;0=0&1=1;6162;63646566") },
    { path: "x.hdb", bytes: Buffer.from(`${empty}:*:Test.Empty:73`) },
  ];
  const scanning = await scanningWith(files);
  expect(scanning.scan(CLOSED, "x.zip").names).toEqual([]);
});

const VERSIONED = buildPe({
  parts: [
    { name: ".text", make: () => Buffer.from("\x90\xc3", "latin1") },
    resourcePart([{ type: 16, name: 1, data: versionResource({ CompanyName: "Own", Name: "x" }) }]),
  ],
});
const wide = (text: string) => Buffer.from(text, "utf16le").toString("hex");

// As clamscan has it, too.
test.each([
  [`Test.Version:1:VI:${wide("CompanyName")}`, true],
  [`Test.Version:1:VI:${wide("Name")}`, true],
  [`Test.Version:1:VI:${wide("ompanyName")}`, false],
  [`Test.Version:1:VI,8:${wide("panyName")}`, false],
  [`Test.Version:1:VI:${wide("Own")}`, false],
  [`Test.Version:1:*:${wide("Own")}`, true],
])("%s is found in a program's version information: %p", async (line, isFound) => {
  const scanning = await scanningWith([{ path: "x.ndb", bytes: Buffer.from(line) }]);
  expect(scanning.loaded).toBe(1);
  expect(scanning.scan(VERSIONED).names).toEqual(isFound ? ["Test.Version"] : []);
});

// The signature itself is reported where it hits the object as that type, too.
test.each([
  ["Test.Handler;Target:0,HandlerType:CL_TYPE_HTML;0;0:6d61676963", ["Test.Handler", "Test.Page"]],
  ["Test.Handler;Target:7,HandlerType:CL_TYPE_HTML;0;0:6d61676963", ["Test.Page"]],
  ["Test.Handler;Target:7,HandlerType:CL_TYPE_RTF;0;0:6d61676963", []],
  ["Test.Handler;Target:7,HandlerType:CL_TYPE_HTML;0;0:6d61676964", []],
])("%s has an object looked at as that type", async (line, expected) => {
  const page = "Test.Page;Target:3;0;706c61696e20776f726473";
  const signatures = Buffer.from(`${line}\n${page}\n`);
  const scanning = await scanningWith([{ path: "x.ldb", bytes: signatures }]);
  expect(scanning.loaded).toBe(2);
  const { names, isWhole } = scanning.scan(Buffer.from("magic: these are plain words\n"));
  expect(names).toEqual([...expected]);
  expect(isWhole).toBe(true);
});
