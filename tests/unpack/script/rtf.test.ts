import { expect, test } from "bun:test";
import { readOleObject, readPackage } from "../../../src/unpack/script/ole-object.ts";
import { explodeRtf } from "../../../src/unpack/script/rtf.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { embedded, linked, packaged } from "./build-rtf.ts";

const open = (body: string) => {
  const { status, extracts } = drain(
    explodeRtf(Buffer.from(`{\\rtf1 ${body}`, "latin1"), budgetOf()),
  );
  return { status, files: extracts.map((one) => [one.name, textOf(one.bytes)]) };
};
const filesIn = (body: string) => open(`${body}}`).files;
const CONTENT = "content of the object";
const OBJECT = embedded({ className: "Test.1", data: CONTENT });
const HEX = OBJECT.toString("hex");
const at = (position: number, text: string) => HEX.slice(0, position) + text + HEX.slice(position);

test.each<[string, string]>([
  ["plain digits", HEX],
  ["digits of either case", HEX.toUpperCase()],
  ["white space", HEX.replace(/../g, "$& \r\n\t")],
  ["white space within pairs", HEX.replace(/./g, "$&\n")],
  ["a control word", at(60, "\\par ")],
  ["control words with digits", at(60, "\\abc123 \\ud-4\\x ")],
  ["a control word at every pair", HEX.replace(/../g, "\\a0 $&")],
  ["empty groups", at(60, "{}{{}}{\\*\\foo}")],
  ["a group with digits", `${HEX.slice(0, 60)}{\\foo ${HEX.slice(60, 70)}}${HEX.slice(70)}`],
  ["a group that others skip", at(60, "{\\*\\foo 41}").replace("41", "")],
  ["an odd digit before a quoted character", at(60, "a\\'41")],
  ["a quoted character between pairs", at(60, "\\'zz")],
  [
    "a binary run",
    `${HEX.slice(0, 60)}\\bin5 ${OBJECT.toString("latin1", 30, 35)}${HEX.slice(70)}`,
  ],
  ["an empty binary run", at(60, "\\bin0 ")],
  ["junk characters", at(60, "xyz;:!?")],
  ["a second objdata", at(60, "\\objdata ")],
])("explodeRtf() reads object data with %s", (_, digits) => {
  expect(filesIn(`{\\object\\objemb{\\*\\objdata ${digits}}}`)).toContainEqual(["Test.1", CONTENT]);
});

test("explodeRtf() gives the reading that leaves nested groups out as well", () => {
  const digits = at(60, "{\\foo 4142}");
  expect(filesIn(`{\\*\\objdata ${digits}}`)).toContainEqual(["Test.1", CONTENT]);
});

test("explodeRtf() says in plain words what objects there are", () => {
  const body =
    `{\\*\\template https://x.example/a.dotm}{\\object\\objautlink\\objupdate{\\*\\objclass Word.\\'44ocument.8}` +
    `{\\*\\objdata ${linked("Word.Document.8", "https://x.example/b.doc").toString("hex")}}}` +
    `{\\field{\\*\\fldinst {DDEAUTO  "c:\\\\\\\\cmd.exe"}}}`;
  expect(filesIn(body)).toEqual([
    [
      "objects",
      "controls: object objautlink objupdate\ntemplate: https://x.example/a.dotm\n" +
        "class: Word.Document.8\ntopic: https://x.example/b.doc\nitem: item\n" +
        'field: DDEAUTO "c:\\\\cmd.exe"\n',
    ],
  ]);
});

test("explodeRtf() gives a packaged file by its name", () => {
  const data = packaged("invoice.js", "run()");
  const hex = embedded({ className: "Package", data, version: 0x4141_4141 }).toString("hex");
  const files = filesIn(`{\\object{\\*\\objdata ${hex}}}`);
  expect(files).toContainEqual(["invoice.js", "run()"]);
  expect(files).toContainEqual([
    "objects",
    "controls: object\nclass: Package\npackage: invoice.js\n",
  ]);
});

test("explodeRtf() gives a storage wherever it stands in the data", () => {
  const storage = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 storage";
  const hex = Buffer.from(`junk${storage}`, "latin1").toString("hex");
  expect(filesIn(`{\\*\\objdata ${hex}}`)).toContainEqual(["object storage", storage]);
});

test("explodeRtf() gives data for programs, and pictures that are none", () => {
  const png = "89504e470d0a1a0a00";
  const files = filesIn(
    `{\\*\\datastore 4142}{\\pict\\pngblip ${png}}{\\pict\\pngblip 4d5a9000}{\\pict\\wmetafile8 0100090000035a}`,
  );
  expect(files).toEqual([
    ["datastore", "AB"],
    ["picture", "MZ\x90\0"],
  ]);
});

test("explodeRtf() gives a picture that is too large to be looked over", () => {
  const large = `89504e47${"00".repeat(1 << 20)}`;
  expect(filesIn(`{\\pict\\pngblip ${large}}`).map(([name]) => name)).toEqual(["picture"]);
});

test("explodeRtf() leaves ordinary documents clean and without objects", () => {
  expect(
    open(
      "{\\fonttbl{\\f0 Arial;}}Hello \\b bold\\b0  \\'e4 \\u228? {\\pict\\jpegblip ffd8ffe0}\\par}",
    ),
  ).toEqual({
    status: "clean",
    files: [],
  });
});

test.each<[string, string]>([
  ["ends within its data", `{\\*\\objdata ${HEX}`],
  [
    "declares more data than there is",
    `{\\*\\objdata ${embedded({ className: "Test.1", data: CONTENT, size: 9e8 }).toString("hex")}}}`,
  ],
])("explodeRtf() calls an object damaged that %s, and gives it", (_, body) => {
  const found = open(body);
  expect(found.status).toBe("damaged");
  expect(found.files).toContainEqual(["Test.1", CONTENT]);
});

test("explodeRtf() is bounded in objects", () => {
  expect(open("{\\*\\objdata 41}".repeat(3000)).status).toBe("unscanned");
});

test.each<[string, string]>([
  ["opening braces", "{".repeat(1_000_000)],
  ["braces in data", `{\\*\\objdata ${"{".repeat(500_000)}${"}".repeat(500_000)}41}`],
  ["nested objects", "{\\*\\objdata 41".repeat(50_000)],
  ["quoted characters", `{\\*\\objdata ${"4\\'41".repeat(200_000)}}`],
  ["binary runs", `{\\*\\objdata ${"\\bin9999999 ".repeat(2)}${"\\bin1 x".repeat(100_000)}}`],
  ["letters", `\\${"a".repeat(1_000_000)}`],
  ["texts", "{\\*\\template x".repeat(50_000)],
])("explodeRtf() is linear in %s", (_, body) => {
  const startedAt = performance.now();
  open(body);
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

test("readOleObject() tells a picture of the object from data behind it", () => {
  const presentation = Buffer.concat([Buffer.from("0105000005000000", "hex"), Buffer.alloc(80)]);
  expect(readOleObject(Buffer.concat([OBJECT, presentation]))?.rest.length).toBe(0);
  expect(readOleObject(Buffer.concat([OBJECT, Buffer.alloc(80, 0x41)]))?.rest.length).toBe(80);
});

test.each(["", "41", "0105000002000000ffffffff", "01050000030000000000000000"])(
  "readOleObject() and readPackage() find nothing in %j",
  (hex) => {
    expect(readOleObject(Buffer.from(hex, "hex"))).toBeUndefined();
    expect(readPackage(Buffer.from(hex, "hex"))).toBeUndefined();
  },
);
