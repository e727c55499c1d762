// Broken PDF files from a fixed seed: taking them apart must neither throw, hang nor swell.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { explodePdf } from "../../src/unpack/pdf/explode.ts";
import { budgetOf, drain } from "../harness/extracts.ts";
import { buildPdf, objectStream } from "../unpack/pdf/build-pdf.ts";
import { lockOf } from "../unpack/pdf/encrypt-pdf.ts";
import { mutated, random } from "./mutate.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDER = join(GW_CORPUS, "containers", "qpdf", "qpdf", "qtest", "qpdf");
const SEED = 20_261_122;
const ROUNDS = 2500;
const LIMITS = { objectSizeMax: 1 << 20, expandedSizeMax: 8 << 20, objectCountMax: 500 };
const DICTIONARY = [
  ...["1 0 obj", "endobj", "stream\n", "endstream", "<<", ">>", "[", "]", "(", ")", "\\", "<", ">"],
  ...["3 0 R", "/Length 9", "/Filter /FlateDecode", "/LZWDecode", "/ASCII85Decode", "/RL", "/AHx"],
  ...[
    "/JS (x)",
    "/S /Launch",
    "/EF << /F 3 0 R >>",
    "/XFA",
    "/N 9 /First 3",
    "/W [1 9 1]",
    "xref\n",
  ],
  ...["/Predictor 15", "/Columns 99999999", "/Encrypt 2 0 R", "trailer", "/V 5 /R 6", "%", "/#4a"],
];

function samples(): Buffer[] {
  const catalog = "<< /Type /Catalog /OpenAction 3 0 R /AA << /O 3 0 R >> >>";
  const parts = [
    catalog,
    objectStream({ 8: "<< /JS (packed) >>", 9: "(text)" }),
    "<< /S /Launch /Win << /F (cmd.exe) >> /Next 4 0 R >>",
    "<< /S /JavaScript /JS 5 0 R >>",
    { data: "app.alert(1)", isFlate: true },
    "<< /F (a) /EF << /F 7 0 R >> >>",
    { dict: "/Filter [/A85 /LZW /RL] /DecodeParms [null << /Predictor 12 >>]", data: "9jqo^~>" },
  ];
  const own = [buildPdf(parts)];
  for (const revision of [2, 4, 6] as const) {
    const lock = lockOf({ revision, isAes: revision > 2 });
    own.push(buildPdf(parts, `/Encrypt ${lock.dict} /ID ${lock.id}`));
  }
  for (const name of existsSync(FOLDER) ? readdirSync(FOLDER).sort() : []) {
    const path = join(FOLDER, name);
    if (statSync(path).size < 30_000) own.push(readFileSync(path));
  }
  return own;
}

test("explodePdf() survives broken input", () => {
  const next = random(SEED);
  const all = samples();
  let slowest = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutated(all[next(all.length)] as Buffer, DICTIONARY, next);
    const startedAt = performance.now();
    const { extracts } = drain(explodePdf(bytes, budgetOf(LIMITS)));
    slowest = Math.max(slowest, performance.now() - startedAt);
    const size = extracts.reduce((sum, extract) => sum + extract.bytes.length, 0);
    expect(size).toBeLessThanOrEqual(LIMITS.expandedSizeMax);
    expect(extracts.length).toBeLessThanOrEqual(LIMITS.objectCountMax);
  }
  expect(slowest).toBeLessThan(2000);
}, 120_000);
