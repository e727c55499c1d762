// gw's engine against a `yara` on this machine: the same rules over the same files must give the same
// hits. By hand: bun tests/e2e/yara-differential.ts [FILE|DIR…] ; GW_CORPUS says where the corpus is,
// GW_SEED makes other samples, GW_SETS is a part of the names of the sets to compare. The files are
// those named, or the corpus' containers and mails; and for each rule two that are made of its strings.
// Prints counts per set, then each difference.
// With --yara-x the peer is YARA-X, of the development packages, instead of the installed `yara`. It
// takes up to 0.3 s for a file, so it gets a choice: GW_FILES (300) files that gw has hits in, for each
// made one its twin, and half as many that gw has none in.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Engine } from "../../src/scan/engine.ts";
import { fileType } from "../../src/scan/file-type.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSignatures } from "../../src/signature/compile.ts";
import { importYara, YARA_EXTENSIONS } from "../../src/signature/yara/import.ts";
import { parseYara } from "../../src/signature/yara/language/rule.ts";
import { buildCore } from "../../wasm/build.ts";
import { Random } from "../scan/generator.ts";
import { CONDITIONS, STRINGS, SUBJECT } from "../scan/judge/yara-conditions.ts";
import { EXTERNALS, sampleOf } from "./yara-samples.ts";

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const ARENA = 64 * 1024 * 1024;

function filesUnder(path: string, extensions?: readonly string[]): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => extensions?.some((extension) => file.endsWith(extension)) ?? true)
    .sort();
}

interface Outcome {
  readonly hits: Set<string>;
  readonly unfinished: string[];
  readonly rules: number;
  readonly problems: readonly string[];
}

async function ours(ruleFiles: readonly string[], files: readonly string[]): Promise<Outcome> {
  const core = await buildCore();
  const sources = ruleFiles.map((path) => ({ path, text: readFileSync(path, "utf8") }));
  const imported = importYara(sources);
  const compiled = await compileSignatures(imported, core);
  const set = loadSet(compiled.image, { arenas: 1, arenaSize: ARENA, core });
  const engine = await Engine.attach(set, 0);
  const hits = new Set<string>();
  const unfinished: string[] = [];
  for (const file of files) {
    const bytes = readFileSync(file);
    const about = { name: "", type: fileType(bytes), containerType: "", depth: 0 };
    const result = engine.scan({ bytes, ...about });
    for (const { signature } of result.findings) hits.add(`${signature.split(".").at(-1)} ${file}`);
    if (!result.isComplete) unfinished.push(file);
  }
  const problems = compiled.diagnostics.map(
    ({ file, line, message }) => `${basename(file)}:${line} ${message}`,
  );
  return { hits, unfinished, rules: compiled.signatures.length, problems };
}

function yara(args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync("yara", args, { maxBuffer: 1 << 28 });
  return { lines: stdout.toString().split("\n"), errors: stderr.toString(), status };
}

const defines = EXTERNALS.flatMap((name) => ["-d", `${name}=`]);

function theirs(ruleFiles: readonly string[], files: readonly string[]) {
  const work = mkdtempSync(join(tmpdir(), "yara-"));
  const empty = join(work, "empty");
  writeFileSync(empty, "");
  const refused = ruleFiles.filter((file) => yara(["-w", ...defines, file, empty]).status !== 0);
  const rules = ruleFiles.filter((file) => !refused.includes(file));
  const list = join(work, "list");
  writeFileSync(list, files.join("\n"));
  const named = rules.map((file, i) => `n${i}:${file}`);
  const { lines } = yara(["-w", "-p", "2", ...defines, "--scan-list", ...named, list]);
  rmSync(work, { recursive: true });
  return { hits: new Set(lines.filter((line) => line !== "")), refused };
}

type Peer = typeof theirs;

// YARA-X scans this many files before it is started anew.
const BATCH_FILES = 300;

function theirsOfYaraX(ruleFiles: readonly string[], files: readonly string[]) {
  const work = mkdtempSync(join(tmpdir(), "yara-x-"));
  const [rules, batch] = [join(work, "rules"), join(work, "files")];
  writeFileSync(rules, ruleFiles.join("\n"));
  const script = join(import.meta.dir, "yara-x-scan.ts");
  const hits = new Set<string>();
  const refused = new Set<string>();
  for (let i = 0; i < files.length; i += BATCH_FILES) {
    writeFileSync(batch, files.slice(i, i + BATCH_FILES).join("\n"));
    const run = spawnSync(process.execPath, [script, rules, batch], { maxBuffer: 1 << 28 });
    if (run.status !== 0) throw new Error(`yara-x-scan: ${run.stderr.toString().slice(0, 2000)}`);
    for (const line of run.stdout.toString().split("\n")) {
      const [mark, path = "", ...why] = line.split(" ");
      if (mark !== "!") hits.add(line);
      else if (!refused.has(path))
        console.log(`  refused by YARA-X: ${basename(path)} ${why.join(" ")}`);
      if (mark === "!") refused.add(path);
    }
  }
  hits.delete("");
  rmSync(work, { recursive: true });
  return { hits, refused: [...refused] };
}

const FILES_CHOSEN = Number(process.env["GW_FILES"] ?? 300);

/** About so many of them, from all over the list. */
function some<Item>(items: readonly Item[], count: number): Item[] {
  const step = Math.max(1, items.length / count);
  return Array.from({ length: Math.min(count, items.length) }, (_, i) => {
    return items[Math.floor(i * step)] as Item;
  });
}

/** The files that a slow peer is shown: `hit` are those that gw has hits in. */
function chosen(files: readonly string[], samples: readonly string[], hit: ReadonlySet<string>) {
  const made = new Set(samples);
  const wanted = new Set(some([...hit], FILES_CHOSEN));
  samples.forEach((file, i) => {
    if (wanted.has(file)) wanted.add(samples[i ^ 1] ?? file);
  });
  const others = files.filter((file) => !hit.has(file));
  for (const group of [others.filter((file) => made.has(file)), others]) {
    for (const file of some(group, Math.ceil(FILES_CHOSEN / 4))) wanted.add(file);
  }
  return files.filter((file) => wanted.has(file));
}

// OpenSSL, and YARA with it, escapes what is not ASCII in names of certificates; YARA-X does not.
const isNamedOtherwise = (text: string) => /subject contains "[^"]*\\\\x[0-9A-F]{2}/.test(text);

/** Names of rules that speak of such names. */
function namedOtherwise(ruleFiles: readonly string[]): Set<string> {
  const texts = ruleFiles.flatMap((path) => readFileSync(path, "utf8").split(/^(?=rule )/m));
  return new Set(texts.filter(isNamedOtherwise).map((text) => /^rule (\w+)/.exec(text)?.[1] ?? ""));
}

/** Two files for each rule: one with all its strings, one with about half of them. */
function writeSamples(ruleFiles: readonly string[], folder: string): string[] {
  const random = new Random(Number(process.env["GW_SEED"] ?? 1));
  const files: string[] = [];
  for (const path of ruleFiles) {
    const { rules } = parseYara({ path, text: readFileSync(path, "utf8") });
    for (const rule of rules) {
      for (const share of [1, 0.5]) {
        const file = join(folder, `${files.length}-${rule.name}`);
        writeFileSync(file, sampleOf(rule, random, share));
        files.push(file);
      }
    }
  }
  return files;
}

/** Prints the hits that only one side has, and counts those that are known to differ. */
function printDifferences(
  sides: readonly {
    readonly name: string;
    readonly hits: Iterable<string>;
    readonly other: Set<string>;
  }[],
  known: ReadonlySet<string>,
): void {
  let expected = 0;
  for (const { name, hits, other } of sides) {
    for (const hit of hits) {
      if (other.has(hit)) continue;
      if (known.has(hit.split(" ")[0] ?? "")) expected++;
      else console.log(`  only ${name}: ${hit}`);
    }
  }
  if (expected > 0)
    console.log(`  differ as names of certificates are written otherwise: ${expected}`);
}

async function compareSet(name: string, corpus: readonly string[], peer: Peer): Promise<void> {
  const ruleFiles = filesUnder(join(CORPUS, "signatures", name), YARA_EXTENSIONS);
  const work = mkdtempSync(join(tmpdir(), "yara-"));
  const samples = writeSamples(ruleFiles, work);
  const every = [...corpus, ...samples];
  const isSlow = peer === theirsOfYaraX;
  const beganAt = performance.now();
  const all = await ours(ruleFiles, isSlow ? every : []);
  const hit = new Set([...all.hits].map((line) => line.slice(line.indexOf(" ") + 1)));
  const files = isSlow ? chosen(every, samples, hit) : every;
  const reference = peer(ruleFiles, files);
  const taken = ruleFiles.filter((file) => !reference.refused.includes(file));
  const own = await ours(taken, files);
  rmSync(work, { recursive: true });
  const both = [...own.hits].filter((line) => reference.hits.has(line));
  const sampled = [...reference.hits].filter((line) => line.includes(work)).length;
  const rules = new Set(both.map((line) => line.split(" ")[0])).size;
  const made = files.filter((file) => file.includes(work)).length;
  console.log(`${name}: ${all.rules} rules in use, ${all.problems.length} with mistakes;`);
  console.log(`  files ${files.length - made} + ${made}, unfinished ${own.unfinished.length};`);
  console.log(`  hits of both ${both.length}, of ${rules} rules;`);
  console.log(`  of the peer ${reference.hits.size} (${sampled} in samples);`);
  console.log(`  ${Math.round((performance.now() - beganAt) / 1000)} s`);
  for (const problem of all.problems) console.log(`  left out: ${problem}`);
  for (const file of reference.refused) console.log(`  refused by the peer: ${basename(file)}`);
  const known = isSlow ? namedOtherwise(ruleFiles) : new Set<string>();
  printDifferences(
    [
      { name: "gw", hits: own.hits, other: reference.hits },
      { name: "the peer", hits: reference.hits, other: own.hits },
    ],
    known,
  );
}

/** The conditions of the unit tests, which must be right about YARA. */
function compareConditions(): void {
  const work = mkdtempSync(join(tmpdir(), "yara-"));
  const [rule, subject] = [join(work, "rule"), join(work, "subject")];
  writeFileSync(subject, SUBJECT);
  let same = 0;
  for (const [condition, holds] of CONDITIONS) {
    const used = Object.entries(STRINGS).filter(([name]) =>
      new RegExp(`[$#@!]${name}\\b`).test(condition),
    );
    const strings = used.length === 0 ? "" : `strings: ${used.map(([, text]) => text).join("\n")}`;
    writeFileSync(rule, `rule r { ${strings}\ncondition: ${condition} }`);
    const { lines, errors } = yara(["-w", rule, subject]);
    if (errors === "" && lines[0]?.startsWith("r ") === holds) same++;
    else console.log(`  differs: ${condition} ${errors.trim()}`);
  }
  rmSync(work, { recursive: true });
  console.log(`conditions: ${same} of ${CONDITIONS.length} as yara has them`);
}

if (import.meta.main) {
  const given = process.argv.slice(2).filter((word) => word !== "--yara-x");
  const peer = process.argv.includes("--yara-x") ? theirsOfYaraX : theirs;
  const folders = given.length > 0 ? given : [join(CORPUS, "containers"), join(CORPUS, "mime")];
  const files = folders.flatMap((folder) => filesUnder(folder));
  compareConditions();
  const wanted = process.env["GW_SETS"] ?? "";
  for (const name of readdirSync(join(CORPUS, "signatures"))) {
    if (name.startsWith("yara-") && name.includes(wanted)) await compareSet(name, files, peer);
  }
}
