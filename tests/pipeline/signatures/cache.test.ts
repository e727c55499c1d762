import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openImage } from "../../../src/gwdb/image.ts";
import { compileOnce } from "../../../src/pipeline/signatures/cache.ts";
import { listSignatures } from "../../../src/signature/list.ts";

const data = mkdtempSync(join(tmpdir(), "gw-cache-"));
const folder = join(data, "signatures");

beforeEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(() => rmSync(data, { recursive: true }));

const file = (text: string) => ({ path: "a.gws", bytes: Buffer.from(text) });
const one = (name: string) => `signature ${name}\ntext $a "needle"\nend\n`;
const names = (image: Uint8Array) => [...listSignatures(openImage(image))].map(({ name }) => name);
const sets = () => readdirSync(folder).filter((name) => name.endsWith(".gwdb"));

test("compileOnce() compiles once what stays the same", async () => {
  const first = await compileOnce([file(one("T.A"))], folder);
  expect(names(first.image)).toEqual(["T.A"]);
  const [name = ""] = sets();
  // What is read back is what lies there, not a new compilation.
  const other = await compileOnce([file(one("T.B"))], join(data, "elsewhere"));
  writeFileSync(join(folder, name), other.image);
  const again = await compileOnce([file(one("T.A"))], folder);
  expect(names(again.image)).toEqual(["T.B"]);
  expect(again.reports).toEqual(first.reports);
  rmSync(join(data, "elsewhere"), { recursive: true });
});

test("compileOnce() makes a damaged set again", async () => {
  const { image } = await compileOnce([file(one("T.A"))], folder);
  const [name = ""] = sets();
  writeFileSync(join(folder, name), image.subarray(0, image.length - 64));
  expect((await compileOnce([file(one("T.A"))], folder)).image).toEqual(image);
});

test("compileOnce() keeps three sets and nothing else", async () => {
  mkdirSync(folder);
  writeFileSync(join(folder, "left.123.tmp"), "");
  for (const name of ["T.A", "T.B", "T.C", "T.D"]) await compileOnce([file(one(name))], folder);
  expect(sets().length).toBe(3);
  expect(readdirSync(folder).length).toBe(6);
});

test("compileOnce() compiles many signatures in a thread, and without a place to keep them", async () => {
  const many = Array.from({ length: 3000 }, (_, i) => one(`T.N${i}`)).join("");
  const nowhere = join(data, "no", "such", "folder");
  const { image, reports } = await compileOnce([file(many)], nowhere);
  expect(names(image).length).toBe(3000);
  expect(reports).toMatchObject([{ file: "a.gws", loaded: 3000, malformed: 0 }]);
});

test("compileOnce() tells what is wrong in a file", async () => {
  const { reports } = await compileOnce([file(`${one("T.A")}signature T.B\nend\n`)], folder);
  expect(reports[0]).toMatchObject({ loaded: 1, malformed: 1 });
});
