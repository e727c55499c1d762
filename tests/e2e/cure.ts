// Cures through the compiled binary: `bun tests/e2e/cure.ts`. Documents with something active in
// them, made here and those of the corpus (GW_CORPUS, default ../shared/corpus), are mailed through
// a gateway whose rules cure. What arrives must scan clean, have none of the marks that tell of
// active content, and open in the programs for its kind if it did before. Prints the table that
// docs/treatment.md shows.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { Glob } from "bun";
import { type ActiveDocument, activeDocuments } from "../harness/active-documents.ts";
import {
  type CureResult,
  cureAll,
  officeBases,
  opinionsOf,
  startCureGateway,
} from "../harness/cure-gateway.ts";
import { Findings, runScript, tally } from "../harness/findings.ts";
import type { PolicyGateway } from "../harness/policy-gateway.ts";

const FOLDERS = ["containers/oletools", "containers/qpdf"];
const SIZE_MAX = 4 << 20;
const MARKS = /vbaProject\.bin|\/JavaScript|\/OpenAction|\/EmbeddedFile|oleObject1\.bin/i;

function corpusDocuments(): ActiveDocument[] {
  const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
  return FOLDERS.flatMap((folder) => {
    const root = join(GW_CORPUS, folder);
    if (!existsSync(root)) return [];
    return [...new Glob("**/*").scanSync(root)].sort().flatMap((path) => {
      const bytes = readFileSync(join(root, path));
      const isDocument = bytes.length <= SIZE_MAX && !/\.(?:md|txt)$/.test(path);
      const name = basename(path).replaceAll(/[^\w.-]/g, "_");
      return isDocument ? [{ name, bytes }] : [];
    });
  });
}

// What the scanner says of what arrived.
async function stillFound(gateway: PolicyGateway, cured: readonly CureResult[]): Promise<string[]> {
  const folder = join(gateway.folder, "cured");
  mkdirSync(folder);
  for (const [index, { document, bytes }] of cured.entries()) {
    writeFileSync(join(folder, `${index}-${document.name}`), bytes ?? Buffer.alloc(0));
  }
  const scanned = await gateway.jsonOf("scan", folder);
  return scanned
    .filter((one) => ["infected", "suspicious"].includes(one.verdict))
    .map((one) => basename(one.file));
}

function table(
  findings: Findings,
  all: readonly CureResult[],
  opened: ReadonlyMap<CureResult, string>,
) {
  const kinds = Map.groupBy(all, ({ document }) => extname(document.name).toLowerCase());
  for (const [kind, results] of [...kinds].sort()) {
    const fates = tally(results.map(({ fate }) => fate));
    const opens = tally(results.flatMap((one) => opened.get(one) ?? []));
    findings.row(kind === "" ? "(none)" : kind, `${fates}; cured ones: ${opens}`);
  }
}

async function main(): Promise<number> {
  const documents = [...activeDocuments(officeBases()), ...corpusDocuments()];
  const gateway = await startCureGateway();
  const findings = new Findings();
  try {
    const results = await cureAll(gateway, documents);
    const cured = results.filter(({ fate }) => fate === "cured");
    const found = await stillFound(gateway, cured);
    const files = (of: (one: CureResult) => Buffer | undefined) =>
      cured.map((one) => ({ name: one.document.name, bytes: of(one) ?? Buffer.alloc(0) }));
    const before = opinionsOf(files(({ document }) => document.bytes));
    const after = opinionsOf(files(({ bytes }) => bytes));
    const opened = new Map(
      cured.map((one, n) => {
        const [was, is] = [before[n], after[n]];
        if (was === undefined) return [one, "no program to ask"] as const;
        if (!was) return [one, is ? "opens, though it did not before" : "did not open before"];
        return [one, is ? "opens" : "BROKEN"] as const;
      }),
    );
    table(findings, results, opened);
    findings.row("documents", documents.length);
    const named = (list: readonly CureResult[]) => list.map(({ document }) => document.name);
    const isMarked = ({ bytes }: CureResult) => MARKS.test(bytes?.toString("latin1") ?? "");
    findings.mustBeNone("cured, and found something in", found);
    findings.mustBeNone("cured, and still marked", named(cured.filter(isMarked)));
    const broken = cured.filter((one) => opened.get(one) === "BROKEN");
    findings.mustBeNone("cured, and does not open any more", named(broken));
    const hopeless = results.filter(({ document }) => document.isHopeless === true);
    const passed = hopeless.filter(({ fate }) => fate === "cured" || fate === "passed");
    findings.mustBeNone("let through though it can't be cured", named(passed));
    return findings.print("cure");
  } finally {
    await gateway.stop();
  }
}

await runScript(main);
