import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openImage, SECTIONS } from "../../src/gwdb/image.ts";
import { CompileError, compileSources } from "../../src/signature/compile.ts";
import { readSources } from "../../src/signature/files.ts";
import { listSignatures } from "../../src/signature/list.ts";
import { describeDiagnostic } from "../../src/signature/source.ts";
import { buildCore } from "../../wasm/build.ts";

const core = await buildCore();
const signature = (name: string, lines: string) => `signature ${name}\n${lines}\nend\n`;
const file = (text: string, path = "a.gws") => ({ path, text });
const NEEDLE = 'text $a "needle"';

async function complaintsAbout(text: string): Promise<string[]> {
  const { diagnostics } = await compileSources([file(text)], core);
  return diagnostics.map(describeDiagnostic);
}

test.each([
  ["a run of three bytes anywhere", "hex $a 41 42 43", "too vague"],
  ["a repeated byte", "hex $a 90 90 90 90 90 90", "too vague"],
  ["a repeated letter in both cases", 'text $a "aaaaAAAA"', "too vague"],
  ["short runs around gaps", "hex $a 41 42 43 * 44 45 46", "too vague"],
  ["short runs in a wide range", "hex $a 41 42 at 0..9000", "too vague"],
  ["one byte at a place", "hex $a 41 at 0", "too vague"],
  ["a negative condition", `${NEEDLE}\ncondition not $a`, "can hold without any pattern"],
  ["a condition on the size", `${NEEDLE}\ncondition size > 1`, "can hold without any pattern"],
  ["counted alternatives", "hex $a (41 42 43 44|45 46 47 48)\ncondition #a > 1", "is counted"],
  ["a type in capitals", `target PE\n${NEEDLE}`, "unknown file type PE"],
])("%s is refused", async (_, lines, complaint) => {
  const complaints = await complaintsAbout(signature("T.A", lines));
  expect(complaints.length).toBe(1);
  expect(complaints[0]).toContain("T.A: ");
  expect(complaints[0]).toContain(complaint);
});

test.each([
  ["three bytes in a narrow range", "hex $a 41 42 43 at 0..100"],
  ["two bytes at a place", "hex $a 41 42 at EOF-2"],
  ["four varied bytes", "hex $a 00 00 00 41"],
  ["alternatives with a common tail", "hex $a (41|42) 43 44 45"],
])("%s is accepted", async (_, lines) => {
  expect(await complaintsAbout(signature("T.A", lines))).toEqual([]);
});

test("a name may be taken once", async () => {
  const files = [file(signature("T.A", NEEDLE)), file(signature("T.A", NEEDLE), "b.gws")];
  const { diagnostics, signatures } = await compileSources(files, core);
  expect(signatures.length).toBe(1);
  expect(diagnostics.map(describeDiagnostic)).toEqual([
    "b.gws:1:1: T.A: this name is taken by a.gws:1",
  ]);
});

test("types may be limited to known ones", async () => {
  const text = signature("T.A", `${NEEDLE}\ncondition $a and container is zap`);
  const { diagnostics } = await compileSources([file(text)], core, { types: ["zip", "pe"] });
  expect(diagnostics).toMatchObject([{ message: "T.A: unknown file type zap" }]);
});

test("strict mode throws, lenient mode leaves out", async () => {
  const files = [file(signature("T.Bad", "hex $a 4") + signature("T.Good", NEEDLE))];
  const { signatures } = await compileSources(files, core);
  expect(signatures.map(({ name }) => name)).toEqual(["T.Good"]);
  expect(compileSources(files, core, { isStrict: true })).rejects.toThrow(CompileError);
});

test("equal sources give equal images", async () => {
  const text = signature("T.A", NEEDLE) + signature("T.B", "hex $a 4D 5A 90 00 * 50 45");
  const one = await compileSources([file(text)], core);
  const two = await compileSources([file(text)], core);
  expect(Buffer.compare(one.image, two.image)).toBe(0);
});

test("listSignatures() tells what an image holds", async () => {
  const rich = 'severity unwanted\ndescription "ü"\nreference "r"\ncure remove\n';
  const text = signature("T.Family.A", rich + NEEDLE) + signature("T.B", NEEDLE);
  const { image } = await compileSources([file(text)], core);
  const usual = { severity: "infected", description: "", reference: "", cure: { kind: "none" } };
  expect([...listSignatures(openImage(image))]).toEqual([
    {
      ...{ name: "T.Family.A", family: "T.Family", severity: "unwanted", description: "ü" },
      ...{ reference: "r", cure: { kind: "remove" } },
    },
    { ...usual, name: "T.B", family: "T.B" },
  ] as never);
});

test("short runs among thousands of long ones have a search of their own", async () => {
  const line = (i: number) => {
    const word = i < 20 ? "" : `${i * 7919}-abcdefghijklmno-`;
    return `text $a "${word}#${String(i).padStart(3, "z")}" ${i % 2 === 0 ? "nocase" : ""}`;
  };
  const text = Array.from({ length: 8000 }, (_, i) => signature(`T.${i}`, line(i))).join("");
  const { image, diagnostics } = await compileSources([file(text)], core);
  expect(diagnostics).toEqual([]);
  const opened = openImage(image);
  expect(opened.section(SECTIONS.anchors).count).toBe(8000);
  expect(opened.section(SECTIONS.tiers).count).toBeGreaterThan(1);
});

test("readSources() reads the *.gws files of a folder in order", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gw-sources-"));
  try {
    for (const name of ["b.gws", "a.gws", "c.txt"]) writeFileSync(join(folder, name), name);
    const files = await readSources(folder);
    expect(files.map(({ text }) => text)).toEqual(["a.gws", "b.gws"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
