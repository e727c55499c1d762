import { describe, expect, test } from "bun:test";
import { explodeOle2 } from "../../../src/unpack/office/ole2.ts";
import { formulaText } from "../../../src/unpack/office/xlm-formula.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { loadShipped } from "../../signatures/shipped.ts";
import { buildCompound } from "./build-compound.ts";
import {
  autoOpenName,
  biff,
  buildWorkbook,
  formulaCell,
  type SheetSpec,
  stringToken,
  u16,
  u32,
} from "./build-office.ts";

const bytesOf = (...parts: readonly (number | string | Buffer)[]) =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === "number" ? Buffer.from([part]) : Buffer.from(part as string),
    ),
  );

const EXEC = bytesOf(stringToken("calc.exe"), 0x42, 1, u16(110));

const explode = (workbook: Buffer, name = "Workbook") =>
  drain(explodeOle2(buildCompound({ [name]: workbook }), budgetOf()));
const sheetsIn = (sheets: readonly SheetSpec[], globals: readonly Buffer[] = []) =>
  Object.fromEntries(
    explode(buildWorkbook(sheets, globals))
      .extracts.filter(({ name }) => name.startsWith("xlm/"))
      .map(({ name, bytes }) => [name, textOf(bytes)]),
  );

describe("formulaText()", () => {
  const context = { isBiff8: true, names: ["Auto_Open", "Target"] };
  test.each([
    ["a string", stringToken("text"), '"text"'],
    ["numbers", bytesOf(0x1e, u16(7), 0x1e, u16(8), 0x05), "7*8"],
    ["a double", bytesOf(0x1f, Buffer.from("000000000000f83f", "hex")), "1.5"],
    ["a joined string", bytesOf(stringToken("c"), stringToken("alc"), 0x08), '"c"&"alc"'],
    ["a function of fixed arguments", bytesOf(0x1e, u16(65), 0x41, u16(111)), "CHAR(65)"],
    ["a function without arguments", bytesOf(0x41, u16(74)), "NOW()"],
    ["a function of many", EXEC, 'EXEC("calc.exe")'],
    ["a command", bytesOf(stringToken("a"), 0x42, 1, u16(0x8076)), 'ALERT("a")'],
    ["a command without a name", bytesOf(0x42, 0, u16(0x8fff)), "COMMAND.4095()"],
    [
      "a function of the user's",
      bytesOf(0x23, u32(2), 0x1e, u16(1), 0x42, 2, u16(255)),
      "Target(1)",
    ],
    ["a cell", bytesOf(0x44, u16(2), u16(0xc01b)), "AB3"],
    ["a range", bytesOf(0x45, u16(0), u16(9), u16(0), u16(2)), "A1:C10"],
    ["a cell elsewhere", bytesOf(0x5a, u16(0), u16(4), u16(1)), "B5"],
    ["signs and parentheses", bytesOf(0x1e, u16(1), 0x13, 0x15, 0x14), "(-1)%"],
    ["a sum", bytesOf(0x1e, u16(1), 0x19, 0x10, u16(0)), "SUM(1)"],
    ["jumps", bytesOf(0x1e, u16(1), 0x19, 0x04, u16(1), u16(0), u16(0), 0x1d, 1), "1 TRUE"],
    ["an error", bytesOf(0x1c, 0x2a), "#N/A"],
    ["a missing argument", bytesOf(0x16, 0x42, 1, u16(150)), "CALL()"],
    ["an unknown token", bytesOf(0x1e, u16(1), 0x1a, 5), "1 …"],
    ["a token cut short", bytesOf(0x1e, 1), "…"],
    ["operators without operands", bytesOf(0x03, 0x03), "++"],
    ["nothing", Buffer.alloc(0), ""],
  ])("shows %s", (_, tokens, expected) => {
    expect(formulaText(tokens, context)).toBe(expected);
  });

  test("shows names and cells of the format before", () => {
    const old = { isBiff8: false, names: ["Auto_Open"] };
    const cell = bytesOf(0x44, u16(0xc004), 2);
    const text = bytesOf(0x17, 3, "abc");
    const name = bytesOf(0x23, u16(1), Buffer.alloc(12));
    expect(formulaText(bytesOf(cell, text, name), old)).toBe('C5 "abc" Auto_Open');
  });

  test("does not let a formula grow without end", () => {
    const tokens = bytesOf(...Array.from({ length: 3000 }, () => stringToken("x".repeat(200))));
    const joins = Buffer.alloc(2999, 0x08);
    expect(formulaText(Buffer.concat([tokens, joins]), context).length).toBeLessThan(300_000);
  });
});

describe("explodeOle2() of workbooks", () => {
  const cells = [formulaCell(0, 0, EXEC), formulaCell(1, 0, bytesOf(0x42, 0, u16(54)))];

  test("gives macro sheets as text", () => {
    expect(sheetsIn([{ name: "Macro1", records: cells }])).toEqual({
      "xlm/Macro1": '\' Excel 4.0 macro sheet, visible: Macro1\nA1=EXEC("calc.exe")\nA2=HALT()\n',
    });
  });

  test("tells what runs by itself, and that the sheet is hidden", () => {
    const [text = ""] = Object.values(
      sheetsIn([{ name: "M", state: 2, records: cells }], [autoOpenName()]),
    );
    expect(text).toStartWith("' Excel 4.0 macro sheet, very hidden: M\nAuto_Open=A1\n");
  });

  test("reads a macro sheet that the list calls a worksheet", () => {
    expect(Object.keys(sheetsIn([{ name: "Data", listed: 0, records: cells }]))).toEqual([
      "xlm/Data",
    ]);
  });

  test("shows strings in cells, shared ones over a cut as well", () => {
    // The second string is cut inside its characters: the flag is repeated behind the cut.
    const shared = [
      biff(0x00fc, u32(2), u32(2), u16(3), bytesOf(0, "one"), u16(6), bytesOf(0, "po")),
      biff(0x003c, bytesOf(1), Buffer.from("wers", "utf16le")),
    ];
    const cell = (row: number, index: number) => biff(0x00fd, u16(row), u16(0), u16(0), u32(index));
    const label = biff(0x0204, u16(2), u16(0), u16(0), u16(2), bytesOf(0, "hi"));
    const value = biff(0x0207, u16(4), bytesOf(0, "calc"));
    const sheet = { name: "M", records: [cell(0, 0), cell(1, 1), label, value] };
    expect(sheetsIn([sheet], shared)["xlm/M"]).toEndWith(
      ': M\nA1 "one"\nA2 "powers"\nA3 "hi"\n\' calc\n',
    );
  });

  test.each([
    ["RC4", biff(0x002f, u16(1), Buffer.alloc(50)), "encrypted (Excel, RC4)"],
    ["XOR", biff(0x002f, u16(0), u32(0)), "encrypted (Excel, XOR)"],
  ])("calls one with %s protected", (_, record, note) => {
    const found = explode(buildWorkbook([{ name: "M", records: cells }], [record]));
    expect(found).toMatchObject({ status: "protected", note });
    expect(found.extracts.map(({ name }) => name)).toEqual(["Workbook"]);
  });

  test("calls a list that leads nowhere damaged", () => {
    const bytes = buildWorkbook([{ name: "M", records: cells }]);
    const list = bytes.indexOf(Buffer.from([0x85, 0x00]));
    bytes.writeUInt32LE(3, list + 4);
    const found = explode(bytes);
    expect(found.status).toBe("damaged");
    // The sheet itself is found by its first record.
    expect(found.extracts.some((one) => textOf(one.bytes).includes("=EXEC("))).toBe(true);
  });

  test("does not read the same records for each of many sheets", () => {
    const filler = Buffer.concat(Array.from({ length: 100_000 }, () => biff(0x0201)));
    const sheets = Array.from({ length: 300 }, (_, n) => ({ name: `S${n}`, records: [] }));
    const bytes = Buffer.concat([buildWorkbook(sheets).subarray(0, -4), filler]);
    const start = bytes.length - filler.length - 20;
    for (let at = bytes.indexOf(Buffer.from([0x85, 0])); at < start && at > 0; ) {
      bytes.writeUInt32LE(start, at + 4);
      at = bytes.indexOf(Buffer.from([0x85, 0]), at + 12);
    }
    const startedAt = performance.now();
    expect(explode(bytes).status).toBe("unscanned");
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test("lets the shipped signatures find macros that run programs", async () => {
    const shipped = await loadShipped();
    const bytes = buildWorkbook([{ name: "M", state: 2, records: cells }], [autoOpenName()]);
    const names = explode(bytes).extracts.flatMap(
      ({ name, bytes: content }) =>
        shipped.scan({ name, bytes: Buffer.from(content), container: "ole2" }).names,
    );
    expect(names.sort()).toEqual(["Gw.Macro.Excel4Auto", "Gw.Macro.Excel4Hidden"]);
  });
});
