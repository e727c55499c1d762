import { describe, expect, test } from "bun:test";
import { explodeOle2 } from "../../../src/unpack/office/ole2.ts";
import { decompressVba } from "../../../src/unpack/office/vba-compression.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { loadShipped } from "../../signatures/shipped.ts";
import { buildCompound } from "./build-compound.ts";
import { compressVba, type ModuleSpec, vbaStreams } from "./build-office.ts";

describe("decompressVba()", () => {
  test.each([
    ["text", "Sub a()\r\nEnd Sub\r\n"],
    ["repeats", "x".repeat(3000)],
    ["several chunks", `${"abcabc  ".repeat(3000)}the last`],
  ])("reads %s", (_, source) => {
    const { bytes, end } = decompressVba(compressVba(source), 1 << 20);
    expect(bytes.toString()).toBe(source);
    expect(end).toBe("whole");
  });

  // [MS-OVBA] 3.2 has these as examples.
  test.each([
    [
      "without repeats",
      "0119b000616263646566676800696a6b6c6d6e6f70007172737475762e",
      "abcdefghijklmnopqrstuv.",
    ],
    [
      "normal",
      "012fb00023616161626364658266007061676869" +
        "6a013808616b6c00306d6e6f70067102700410727374757610" +
        "7778797a003c",
      "#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa",
    ],
    ["all the same", "0103b002614500", "a".repeat(73)],
  ])("reads the specification's example %s", (_, hex, expected) => {
    const { bytes } = decompressVba(Buffer.from(hex, "hex"), 1 << 20);
    expect(bytes.toString()).toBe(expected);
  });

  test.each([
    ["nothing", Buffer.alloc(0), ""],
    ["another signature", Buffer.from("02190000", "hex"), ""],
    ["a token in front of the chunk", Buffer.from("0103b0016145", "hex"), ""],
    ["the end of the input", compressVba("abcdefghij").subarray(0, 8), "abcd"],
  ])("stops at %s", (_, input, expected) => {
    const { bytes, end } = decompressVba(input, 1 << 20);
    expect([bytes.toString(), end]).toEqual([expected, "damaged"]);
  });

  test("stays within its bound", () => {
    const { bytes, end } = decompressVba(compressVba("x".repeat(20_000)), 10_000);
    expect([bytes.length, end]).toEqual([8192, "too-large"]);
  });
});

const HEAD = 'Attribute VB_Name = "Module1"\r\n';
const CODE = `${HEAD}Sub AutoOpen()\r\n  x = Shell("calc", 0)\r\nEnd Sub\r\n`;

const explode = (bytes: Uint8Array) => drain(explodeOle2(bytes, budgetOf()));
const project = (...modules: readonly ModuleSpec[]) => buildCompound(vbaStreams(modules));
const sourcesOf = (bytes: Uint8Array) =>
  Object.fromEntries(
    explode(bytes)
      .extracts.filter(({ name }) => /^vba\/(?!dir)/.test(name))
      .map((extract) => [extract.name, textOf(extract.bytes)]),
  );

describe("explodeOle2() of macros", () => {
  test("gives each module's source", () => {
    const bytes = project({ name: "Module1", source: CODE, compiled: 3 });
    expect(sourcesOf(bytes)).toEqual({ "vba/Module1.bas": CODE });
    expect(explode(bytes).status).toBe("clean");
  });

  test("gives a project of several modules as one text, too", () => {
    const parts = [HEAD, CODE, `${HEAD}Sub b()\r\nEnd Sub\r\n`] as const;
    const bytes = project(...parts.map((source, n) => ({ name: `M${n}`, source })));
    expect(sourcesOf(bytes)["vba/all modules"]).toBe(parts[1] + parts[2]);
    expect(
      sourcesOf(project({ name: "a", source: CODE }, { name: "b", source: HEAD })),
    ).not.toHaveProperty("vba/all modules");
  });

  test.each([
    ["is missing", undefined],
    ["is noise", Buffer.alloc(100, 7)],
  ])("finds source when the list of modules %s", (_, dir) => {
    const { "Macros/VBA/dir": _list, ...streams } = vbaStreams([{ name: "M", source: CODE }]);
    const bytes = buildCompound(
      dir === undefined ? streams : { ...streams, "Macros/VBA/dir": dir },
    );
    expect(sourcesOf(bytes)).toEqual({ "vba/M.bas": CODE });
    expect(explode(bytes).status).toBe(dir === undefined ? "clean" : "damaged");
  });

  test("finds source in streams that no project mentions", () => {
    const bytes = buildCompound({
      ...vbaStreams([{ name: "M", source: HEAD }]),
      "Other/stream": Buffer.concat([Buffer.from("junk"), compressVba(CODE)]),
    });
    expect(sourcesOf(bytes)).toEqual({ "vba/M.bas": HEAD, "vba/stream.bas": CODE });
  });

  test("finds source in a file without its directory", () => {
    const bytes = project({ name: "M", source: CODE });
    const directory = bytes.indexOf(Buffer.from("Root Entry", "utf16le"));
    const found = explode(bytes.subarray(0, directory));
    expect(found.status).toBe("damaged");
    expect(found.extracts.map(({ name }) => name)).toContain("vba/lost.bas");
  });

  test("tells a module that the list names and the file lacks", () => {
    const { "Macros/VBA/M": _module, ...streams } = vbaStreams([{ name: "M", source: CODE }]);
    expect(explode(buildCompound(streams))).toMatchObject({
      status: "damaged",
      note: "a macro module is missing: M",
    });
  });
});

describe("explodeOle2() of stomped macros", () => {
  test.each([
    ["the source is gone", { source: CODE, compiled: 9, isWiped: true }, true],
    ["the source has no code", { source: HEAD, compiled: 9 }, true],
    ["the source is shorter than the compiled code", { source: CODE, compiled: 20 }, true],
    ["the source is what was compiled", { source: CODE, compiled: 3 }, false],
    ["nothing was compiled", { source: CODE }, false],
    ["there is neither", { source: HEAD }, false],
  ] as const)("when %s", (_, spec: Omit<ModuleSpec, "name">, expected) => {
    const { extracts, status } = explode(project({ name: "Module1", ...spec }));
    const note = extracts.find(({ name }) => name === "vba-stomped");
    expect(note !== undefined).toBe(expected);
    expect(status).toBe("clean");
    if (note === undefined) return;
    expect(note.declaredType).toBe("application/x-gw-note");
    expect(textOf(note.bytes)).toContain(`Module1 (Macros/VBA/Module1): ${spec.compiled} lines`);
  });

  test("are found by the shipped signatures, as is what macros do", async () => {
    const shipped = await loadShipped();
    const namesIn = (bytes: Uint8Array) =>
      explode(bytes).extracts.flatMap(
        (extract) =>
          shipped.scan({
            ...{ name: extract.name, bytes: Buffer.from(extract.bytes), container: "ole2" },
          }).names,
      );
    const stomped = project({ name: "Module1", source: HEAD, compiled: 9 });
    expect(namesIn(stomped)).toEqual(["Gw.Macro.Stomped"]);
    const split = project(
      { name: "ThisDocument", source: `${HEAD}Sub Document_Open()\r\nrunIt\r\nEnd Sub\r\n` },
      { name: "Module1", source: `${HEAD}Sub runIt()\r\nShell "calc"\r\nEnd Sub\r\n` },
    );
    expect(namesIn(split)).toEqual(["Gw.Macro.SourceRunsProgram"]);
    expect(namesIn(project({ name: "M", source: `${HEAD}Sub a()\r\nEnd Sub\r\n` }))).toEqual([]);
  });
});
