// Real documents: encrypted ones are told, unless Excel's own password opens them; all others end
// clean. Without the corpus the samples made here still say something.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileType } from "../../../src/scan/file-type.ts";
import { explodeOle2 } from "../../../src/unpack/office/ole2.ts";
import { budgetOf, drain } from "../../harness/extracts.ts";
import { buildCompound } from "./build-compound.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;

function* documents(): Generator<{ name: string; bytes: Buffer }> {
  yield { name: "encrypted own.docx", bytes: buildCompound({ EncryptedPackage: "x" }) };
  yield { name: "own.doc", bytes: buildCompound({ WordDocument: "x" }) };
  for (const folder of ["oletools", "msoffcrypto"]) {
    const root = join(GW_CORPUS, "containers", folder);
    for (const name of existsSync(root) ? readdirSync(root, { recursive: true }).map(String) : []) {
      const path = join(root, name);
      if (!statSync(path).isFile()) continue;
      const bytes = readFileSync(path);
      if (fileType(bytes) === "ole2") yield { name, bytes };
    }
  }
}

const isEncrypted = (name: string) =>
  /encrypt|_password/.test(basename(name)) && !/_plain\.|standardpassword/.test(name);

test("encrypted documents are called protected, and no other one is anything but clean", () => {
  const wrong: string[] = [];
  for (const { name, bytes } of documents()) {
    const { status, note, extracts } = drain(explodeOle2(bytes, budgetOf({ timeMaxMs: 2000 })));
    const expected = isEncrypted(name) ? "protected" : "clean";
    if (status !== expected || extracts.length === 0) wrong.push(`${name}: ${status} ${note}`);
  }
  expect(wrong).toEqual([]);
}, 60_000);

test.each([
  ["oleobj/sample_with_calc_embedded.doc", "calc.exe | calc (2).exe"],
  ["oleobj/sample_with_lnk_to_calc.doc", "link of a package"],
  ["encrypted/dde-test-encrypt-standardpassword.xls", "decrypted workbook"],
  ["encrypted/autostart-encrypt-standardpassword.xlsb", "decrypted document"],
  ["encrypted/dde-test-encrypt-standardpassword.xlsm", "decrypted document"],
  ["oleobj/embedded-simple-2007.dot", "simple-text-file.txt"],
  ["excel4-macros/excel4_sample_macro.xlt", "xlm/Macro1"],
  ["excel4-macros/excel4_sample_macro_excel5_format.xls", "xlm/Macro1"],
])("%s has %s in it", (path, name) => {
  const file = join(GW_CORPUS, "containers", "oletools", "test-data", path);
  const bytes = existsSync(file) ? readFileSync(file) : buildCompound({ [name]: "x" });
  const names = drain(explodeOle2(bytes, budgetOf())).extracts.map((extract) => extract.name);
  expect(names).toContain(name);
});
