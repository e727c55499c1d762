// Cures through the compiled binary, of documents that are made here; tests/e2e/cure.ts does the
// same with all of the corpus and with LibreOffice. Needs `npm run build` before (`npm test` does).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { activeDocuments } from "../harness/active-documents.ts";
import { type CureResult, cureAll, opinionsOf, startCureGateway } from "../harness/cure-gateway.ts";
import type { PolicyGateway } from "../harness/policy-gateway.ts";
import { sampleDocx, seededRandom } from "../harness/sample-mail.ts";

const documents = activeDocuments({ docx: sampleDocx(seededRandom(5), 4000) });

let gateway: PolicyGateway;
let results: readonly CureResult[] = [];
beforeAll(async () => {
  gateway = await startCureGateway();
  results = await cureAll(gateway, documents);
});
afterAll(() => gateway?.stop());

test.each(documents.map(({ name }) => name))("%s is cured and delivered, or kept back", (name) => {
  const result = results.find(({ document }) => document.name === name);
  expect(result?.fate).toBe(result?.document.isHopeless === true ? "kept" : "cured");
});

test("what was cured scans clean", async () => {
  const folder = join(gateway.folder, "cured");
  mkdirSync(folder);
  const cured = results.filter(({ fate }) => fate === "cured");
  for (const { document, bytes } of cured) {
    writeFileSync(join(folder, document.name), bytes ?? Buffer.alloc(0));
  }
  const scanned = await gateway.jsonOf("scan", folder);
  expect(scanned.length).toBe(cured.length);
  expect(scanned.filter(({ verdict }) => verdict !== "clean").map(({ file }) => file)).toEqual([]);
});

test("qpdf, pdftotext, unzip, tar and gzip open the cured files, where they opened the original", () => {
  const named = results.filter(
    ({ fate, document }) => fate === "cured" && /\.(?:pdf|zip|tar|gz)$/.test(document.name),
  );
  const filesOf = (of: (one: CureResult) => Buffer | undefined) =>
    named.map((one) => ({ name: one.document.name, bytes: of(one) ?? Buffer.alloc(0) }));
  const before = opinionsOf(filesOf(({ document }) => document.bytes));
  const after = opinionsOf(filesOf(({ bytes }) => bytes));
  const broken = named.filter((_, n) => before[n] === true && after[n] === false);
  expect(broken.map(({ document }) => document.name)).toEqual([]);
});

test("the text beside a cured file arrives as it was, the original is kept, and gw why tells of it", async () => {
  const index = documents.findIndex(({ name }) => name === "script.pdf");
  const address = `cure-${index}@cure.example`;
  const delivered = gateway.delivered(`cure-${index}`, address);
  expect(delivered).toContain("\r\nPlease see the file.\r\n--next\r\n");
  expect(delivered).toMatch(/^X-Gw-Scan: infected; .*; treated\r$/m);
  expect(await gateway.kept("backup", `cure-${index}`)).toBe(1);
  const { stdout } = await gateway.gateway.command("why", address);
  expect(stdout).toMatch(/script\.pdf was cured/);
});
