// gw against clamscan with signature sets that are in use: the same .ldb files over the same files,
// both as finished programs. Prints counts, then each file on which the names differ.
//
//   bun tests/e2e/clamscan-sets.ts [FILE|DIR…]     GW_CORPUS says where the corpus is
//
// The files are those named, or all of the corpus, and for each signature two that are made of its
// patterns. Needs dist/gw.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../scan/generator.ts";
import { sampleFor } from "./clamscan-samples.ts";

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const GW = "dist/gw";
const SHOWN_MAX = 400;

type Found = Map<string, Set<string>>;

const SETS: Readonly<Record<string, readonly string[]>> = {
  ditekshen: [join(CORPUS, "signatures/ditekshen-clamav/clamav")],
  twinclams: [join(CORPUS, "signatures/twinclams")],
};

function run(command: string, args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(command, args, { maxBuffer: 1 << 30 });
  if (status === null) throw new Error(`${command}: ${stderr.toString().slice(0, 500)}`);
  return stdout.toString();
}

const add = (found: Found, file: string, name: string) =>
  found.set(file, (found.get(file) ?? new Set()).add(name));

function clamscan(database: string, places: readonly string[]): Found {
  const found: Found = new Map();
  const args = ["-r", "--allmatch", "--no-summary", "--stdout", "-d", database, ...places];
  for (const line of run("clamscan", args).split("\n")) {
    const [, path = "", name = ""] = /^(.*?): (.*)\.UNOFFICIAL FOUND$/.exec(line) ?? [];
    if (name !== "") add(found, path, name);
  }
  return found;
}

interface Scanned {
  readonly file: string;
  readonly verdict: string;
  readonly objects: readonly { readonly findings: readonly { readonly signature: string }[] }[];
}

function gw(database: string, places: readonly string[]): { found: Found; files: number } {
  const found: Found = new Map();
  const lines = run(GW, ["scan", "--json", "--signatures", database, ...places]).split("\n");
  for (const line of lines.filter(Boolean)) {
    const { file, objects } = JSON.parse(line) as Scanned;
    for (const { findings } of objects) {
      for (const { signature } of findings) add(found, file, signature);
    }
  }
  return { found, files: lines.length - 1 };
}

const linesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".ldb"))
    .flatMap((name) => readFileSync(join(folder, name), "latin1").split("\n"))
    .filter((line) => line.includes(";"));

function compare(name: string, database: string, places: readonly string[]): void {
  const lines = linesOf(database);
  const names = new Set(lines.map((line) => line.slice(0, line.indexOf(";"))));
  const samples = mkdtempSync(join(tmpdir(), "gw-sets-"));
  mkdirSync(samples, { recursive: true });
  const random = new Random(7);
  for (const [i, line] of lines.entries()) {
    writeFileSync(join(samples, `${i}-all`), sampleFor(line, random, 1));
    writeFileSync(join(samples, `${i}-half`), sampleFor(line, random, 0.5));
  }
  const theirs = clamscan(database, [...places, samples]);
  const ours = gw(database, [...places, samples]);
  rmSync(samples, { recursive: true });
  let both = 0;
  const differences: string[] = [];
  for (const file of new Set<string>([...theirs.keys(), ...ours.found.keys()])) {
    const [a, b] = [
      theirs.get(file) ?? new Set<string>(),
      ours.found.get(file) ?? new Set<string>(),
    ];
    const aside = [...a].filter((one) => !b.has(one) && names.has(one));
    const bside = [...b].filter((one) => !a.has(one) && names.has(one));
    both += [...a].filter((one) => b.has(one)).length;
    if (aside.length > 0) differences.push(`clamscan alone: ${aside.join(" ")} in ${file}`);
    if (bside.length > 0) differences.push(`gw alone: ${bside.join(" ")} in ${file}`);
  }
  console.log(
    `${name}: ${names.size} signatures x ${ours.files} files = ${names.size * ours.files}`,
  );
  console.log(`  hits of both ${both}, files with a difference ${differences.length}`);
  for (const difference of differences.slice(0, SHOWN_MAX)) console.log(`  ${difference}`);
}

const given = process.argv.slice(2);
const places = given.length > 0 ? given : ["containers", "mime", "ham"].map((n) => join(CORPUS, n));
for (const [name, folders] of Object.entries(SETS)) {
  for (const folder of folders) compare(name, folder, places);
}
