// Which signatures an object is searched for: those for programs only in programs, those for views in
// views; and what has its place at the object's start.
import { expect, test } from "bun:test";
import { openImage, SECTIONS } from "../../src/gwdb/image.ts";
import { Engine } from "../../src/scan/engine.ts";
import { FILE_TYPES } from "../../src/scan/file-type.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSignatures } from "../../src/signature/compile.ts";
import { loadSignatures } from "../../src/signature/import/load.ts";
import { buildCore } from "../../wasm/build.ts";
import { names, scan } from "./attached.ts";

/** An engine over YARA rules of conditions and as many others for programs as make it worth it. */
async function engineOf(rules: readonly string[], others: number) {
  const fill = Array.from(
    { length: others },
    (_, i) =>
      `rule other${i} { strings: $a = "other text ${i}" condition: uint16(0) == 0x5a4d and $a }`,
  );
  const bytes = Buffer.from([...rules, ...fill].join("\n"));
  const { signatures } = loadSignatures([{ path: "x.yar", bytes }]);
  const core = await buildCore();
  const options = { types: [...FILE_TYPES] };
  const { image } = await compileSignatures({ signatures, diagnostics: [] }, core, options);
  const engine = await Engine.attach(loadSet(image, { arenas: 1, arenaSize: 1 << 16, core }), 0);
  return { engine, image: openImage(image) };
}

const RULES = [
  'rule program { strings: $a = "needle" condition: uint16(0) == 0x5a4d and $a }',
  'rule either { strings: $a = "needle" condition: $a }',
  'rule other { strings: $a = "needle" condition: uint16(0) != 0x5a4d and $a }',
];

test.each([0, 200])(
  "rules for programs are found in programs, beside %p others",
  async (others) => {
    const { engine, image } = await engineOf(RULES, others);
    expect(image.section(SECTIONS.programTiers).count > 0).toBe(others > 0);
    const found = (text: string) => names(scan(engine, text, { type: "binary" })).sort();
    expect(found("MZ and a needle")).toEqual(["either", "program"]);
    expect(found("no program, and a needle")).toEqual(["either", "other"]);
    expect(found("MZ and nothing else")).toEqual([]);
  },
);

test("parts with any distance between them are found in their order only", async () => {
  const hex = (text: string) => Buffer.from(text).toString("hex");
  const [one, two, three] = [hex("the first"), hex("the second"), hex("the third")];
  const lines = [
    `all:0:*:${one}*${two}*${three}`,
    `twice;Engine:81-255,Target:0;0>1;${one}*${two}`,
    `folded;Engine:81-255,Target:0;0;${one}*${two}*${hex("ab")}::i`,
    `far:0:*:${one}{4-}${two}`,
    `late:0:12,4:${one}*${two}`,
    `same:0:*:${one}*${one}`,
    `short:0:*:${hex("SUB")}*${hex("autoopen")}*${hex("createobject")}`,
  ];
  const named = (extension: string, isLogical: boolean) => ({
    path: `x.${extension}`,
    bytes: Buffer.from(lines.filter((line) => line.includes(";") === isLogical).join("\n")),
  });
  const { signatures, reports } = loadSignatures([named("ndb", false), named("ldb", true)]);
  expect(reports.flatMap(({ diagnostics }) => diagnostics)).toEqual([]);
  const core = await buildCore();
  const { image } = await compileSignatures({ signatures, diagnostics: [] }, core);
  const engine = await Engine.attach(loadSet(image, { arenas: 1, arenaSize: 1 << 16, core }), 0);
  const found = (text: string) => names(scan(engine, text)).sort();
  expect(found("the first")).toEqual([]);
  expect(found("the firstthe second")).toEqual([]);
  expect(found("the first and the second")).toEqual(["far"]);
  expect(found("the second and the first")).toEqual([]);
  expect(found("the first, the second, the third")).toEqual(["all"]);
  expect(found("the first, the third, the second")).toEqual(["far"]);
  expect(found("the third, the second, the first, the second, the third")).toEqual(["all"]);
  expect(found("the first, the first, the second")).toEqual(["far", "same", "twice"]);
  expect(found("tHE first, the SECOND, aB")).toEqual(["folded"]);
  expect(found("0123456789ab,the first, the second")).toEqual(["late"]);
  expect(found("SUB autoopen createobject")).toEqual(["short"]);
  expect(found("autoopen SUB createobject autoopen")).toEqual([]);
  // Nothing is left of an object when the next one comes.
  expect(found("the second, the third")).toEqual([]);
});

test("patterns at fixed places are found there and nowhere else, in either case", async () => {
  const lines = [
    ...["start:0:0:61626364", "second:0:1:61626364", "range:0:3,1:61626364"],
    ...["folded;Engine:81-255,Target:0;0;2:61626364::i", "end:0:EOF-4:61626364"],
    ...["mask:0:5:6162??64", "open:0:6:??626364"],
  ];
  const [ndb, ldb] = [lines.filter((line) => !line.includes(";")), [lines[3]]];
  const files = [
    { path: "x.ndb", bytes: Buffer.from(ndb.join("\n")) },
    { path: "x.ldb", bytes: Buffer.from(ldb.join("\n")) },
  ];
  const { signatures, reports } = loadSignatures(files);
  expect(reports.flatMap(({ diagnostics }) => diagnostics)).toEqual([]);
  const core = await buildCore();
  const { image } = await compileSignatures({ signatures, diagnostics: [] }, core);
  const engine = await Engine.attach(loadSet(image, { arenas: 1, arenaSize: 1 << 16, core }), 0);
  const found = (text: string) => names(scan(engine, text)).sort();
  expect(found("abcd....")).toEqual(["start"]);
  expect(found(".abcd...")).toEqual(["second"]);
  expect(found("..aBCd..")).toEqual(["folded"]);
  expect(found("...abcd..")).toEqual(["range"]);
  expect(found("....abcd.")).toEqual(["range"]);
  expect(found(".....abcd.")).toEqual(["mask"]);
  expect(found("......abcd")).toEqual(["end", "open"]);
  expect(found("abcd")).toEqual(["end", "start"]);
  expect(found("a")).toEqual([]);
  expect(found("ABCD")).toEqual([]);
});
