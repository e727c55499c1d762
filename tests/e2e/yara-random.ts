// Rules at random from YARA's whole language over small files, against a `yara` on this machine. By
// hand: bun tests/e2e/yara-random.ts [ROUNDS] [SEED]; each round is 200 rules over 40 files. Prints
// what differs, with the rule.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Engine } from "../../src/scan/engine.ts";
import { fileType } from "../../src/scan/file-type.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSignatures } from "../../src/signature/compile.ts";
import { importYara } from "../../src/signature/yara/import.ts";
import { buildCore } from "../../wasm/build.ts";
import { Random } from "../scan/generator.ts";

const RULES = 200;
const FILES = 40;
const LETTERS = "abABx";
const DEEP_MAX = 3;

class RuleMaker {
  readonly #random: Random;
  #names: string[] = [];
  #loops: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  #one<T>(items: readonly T[]): T {
    return this.#random.pick(items);
  }

  #chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }

  #letters(min: number, max: number): string {
    const length = min + this.#random.below(max - min + 1);
    return Array.from({ length }, () => this.#one([...LETTERS])).join("");
  }

  #modifiers(): string {
    const kind = this.#random.below(10);
    if (kind === 0)
      return this.#one([" xor", " xor(1-3)", " xor wide", " xor ascii wide fullword"]);
    if (kind === 1) return this.#one([" base64", " base64wide", " base64 wide"]);
    return ["nocase", "wide", "ascii", "fullword"]
      .filter(() => this.#chance(30))
      .map((word) => ` ${word}`)
      .join("");
  }

  #hex(): string {
    const byte = () => this.#one(["61", "62", "41", "42", "78", "00", "6?", "?1", "??", "20"]);
    const parts = [this.#one(["61", "62", "41"])];
    for (let i = this.#random.below(6); i >= 0; i--) {
      const kind = this.#random.below(8);
      if (kind === 0) parts.push(this.#one(["[1-3]", "[2]", "[0-4]", "[1-]"]), byte());
      else if (kind === 1) parts.push(`( ${byte()} ${byte()} | ${byte()} )`);
      else parts.push(byte());
    }
    return `{ ${parts.join(" ")} 61 }`;
  }

  #regex(): string {
    const atom = (): string =>
      this.#one(["a", "b", "A", "x", "[ab]", "[^a]", "\\w", "a|b", "(a|bb)", "(ab)", ".", "\\x61"]);
    const parts: string[] = [];
    for (let i = 1 + this.#random.below(4); i > 0; i--) {
      const piece = atom();
      const whole = piece.includes("|") && !piece.startsWith("(") ? `(${piece})` : piece;
      parts.push(whole + this.#one(["", "", "", "{2}", "{1,3}", "?", "+", "+?", "{1,2}?"]));
    }
    const flags = this.#one(["", "i", "s", "is"]);
    const words = ["wide", "ascii", "nocase", "fullword"].filter(() => this.#chance(20));
    return `/ab${parts.join("")}/${flags} ${words.join(" ")}`;
  }

  #string(): string {
    const kind = this.#random.below(10);
    if (kind < 2) return this.#hex();
    if (kind < 4) return this.#regex();
    return `"${this.#letters(3, 6)}"${this.#modifiers()}`;
  }

  #number(depth: number): string {
    const small = `${this.#random.below(60)}`;
    if (depth <= 0) return small;
    const inner = () => this.#number(depth - 1);
    const loop = this.#loops.at(-1);
    const name = this.#one(this.#names);
    return this.#one([
      ...[small, "filesize", `#${name}`, `@${name}`, `!${name}`, `@${name}[${inner()}]`],
      ...[`(${inner()} ${this.#one(["+", "-", "*", "\\", "%", "&", "|", "^"])} ${inner()})`],
      ...[`uint8(${inner()})`, `uint16be(${inner()})`, `int16(${inner()})`, `uint32(${small})`],
      ...[`(${inner()} << ${this.#random.below(70)})`, `(${inner()} >> 2)`, `~${small}`],
      `-${small}`,
      ...(loop === undefined ? [] : [loop, loop, loop]),
    ]);
  }

  #set(): string {
    if (this.#chance(60)) return "them";
    return `($${this.#one(this.#names)}, $${this.#one(["s*", ...this.#names])})`;
  }

  #quantifier(total: number): string {
    return this.#one(["any", "all", "none", `${1 + this.#random.below(total)}`, "50%"]);
  }

  #loop(depth: number): string {
    const name = `i${this.#loops.length}`;
    const range = this.#one([
      ...[`(0..${this.#random.below(9)})`, "(1, 3, 7)", `(1..#${this.#one(this.#names)})`],
      `(${this.#random.below(9)}..filesize)`,
    ]);
    this.#loops.push(name);
    const body = this.#condition(depth - 1);
    this.#loops.pop();
    return `for ${this.#one(["any", "all", "2"])} ${name} in ${range} : ( ${body} )`;
  }

  #condition(depth: number): string {
    const name = this.#one(this.#names);
    const inner = () => this.#condition(depth - 1);
    const compare = () =>
      `${this.#number(2)} ${this.#one(["<", "<=", ">", ">=", "==", "!="])} ${this.#number(2)}`;
    const simple = () =>
      this.#one([
        ...[`$${name}`, `$${name}`, `$${name} at ${this.#number(1)}`, compare(), compare()],
        `$${name} in (${this.#number(1)}..${this.#number(1)})`,
        `#${name} in (0..${this.#random.below(50)}) > ${this.#random.below(2)}`,
        `${this.#quantifier(this.#names.length)} of ${this.#set()}`,
        `defined ${this.#number(2)}`,
      ]);
    if (depth <= 0) return simple();
    switch (this.#random.below(8)) {
      case 0:
        return this.#loop(depth);
      case 1:
        return `for ${this.#one(["any", "all", "1"])} of ${this.#set()} : ( ${this.#one([
          ...["$", "# > 1", "@ < 20", "$ at 0", "! > 3", `@[2] > ${this.#number(1)}`],
        ])} )`;
      case 2:
        return `not (${inner()})`;
      case 3:
      case 4:
        return `(${inner()} and ${inner()})`;
      case 5:
        return `(${inner()} or ${inner()})`;
      default:
        return simple();
    }
  }

  rule(name: string): string {
    this.#names = Array.from({ length: 1 + this.#random.below(4) }, (_, i) => `s${i}`);
    const strings = this.#names.map((id) => `    $${id} = ${this.#string()}`);
    const used = this.#names.map((id) => `#${id} >= 0`).join(" and ");
    const condition = `${this.#condition(DEEP_MAX)} and ${used}`;
    return `rule ${name} {\n  strings:\n${strings.join("\n")}\n  condition: ${condition}\n}`;
  }
}

function fileOf(random: Random): Buffer {
  const parts: Buffer[] = [];
  for (let i = 4 + random.below(30); i > 0; i--) {
    const text = random.pick([
      "a",
      "b",
      "ab",
      "abab",
      "AB",
      "aB",
      "x",
      " ",
      ".",
      "\n",
      "\0",
      "abx",
    ]);
    const bytes = Buffer.from(text, "latin1");
    const kind = random.below(12);
    if (kind === 0) parts.push(Buffer.from([...bytes].flatMap((byte) => [byte, 0])));
    else if (kind === 1) parts.push(Buffer.from(bytes.map((byte) => byte ^ 2)));
    else if (kind === 2) parts.push(Buffer.from(Buffer.from("xabABab").toString("base64")));
    else parts.push(bytes);
  }
  return Buffer.concat(parts);
}

async function hitsOf(text: string, files: readonly { path: string; bytes: Buffer }[]) {
  const imported = importYara([{ path: "random.yar", text }]);
  for (const { line, message } of imported.diagnostics) console.log(`  gw: ${line} ${message}`);
  const core = await buildCore();
  const { image, diagnostics } = await compileSignatures(imported, core);
  for (const { line, message } of diagnostics) console.log(`  gw: ${line} ${message}`);
  const engine = await Engine.attach(loadSet(image, { arenas: 1, arenaSize: 1 << 20, core }), 0);
  const hits = new Set<string>();
  for (const { path, bytes } of files) {
    const about = { name: "", type: fileType(bytes), containerType: "", depth: 0 };
    const { findings, isComplete } = engine.scan({ bytes, ...about });
    if (!isComplete) console.log(`  gw: ${basename(path)} is unfinished`);
    for (const { signature } of findings) hits.add(`${signature} ${path}`);
  }
  return hits;
}

async function round(seed: number, work: string): Promise<{ same: number; differing: number }> {
  const random = new Random(seed);
  const maker = new RuleMaker(random);
  const rules = Array.from({ length: RULES }, (_, i) => maker.rule(`r${i}`));
  const folder = join(work, `${seed}`);
  mkdirSync(folder);
  const files = Array.from({ length: FILES }, (_, i) => {
    const file = { path: join(folder, `f${i}`), bytes: fileOf(random) };
    writeFileSync(file.path, file.bytes);
    return file;
  });
  // Rules that yara refuses (it knows some constant overflows) are left out.
  const rulePath = join(work, "rules.yar");
  const empty = join(work, "empty");
  writeFileSync(empty, "");
  const kept = rules.filter((rule) => {
    writeFileSync(rulePath, rule);
    return spawnSync("yara", ["-w", "-a", "2", rulePath, empty]).stderr.toString() === "";
  });
  const text = kept.join("\n");
  writeFileSync(rulePath, text);
  const run = spawnSync("yara", ["-w", "-a", "20", "-r", rulePath, folder], {
    maxBuffer: 1 << 28,
    timeout: 60_000,
  });
  const errors = run.stderr.toString();
  if (errors !== "") console.log(`  yara: ${errors.slice(0, 300)}`);
  const theirs = new Set(run.stdout.toString().split("\n").filter(Boolean));
  const own = await hitsOf(text, files);
  const differing = [...own, ...theirs].filter((hit) => own.has(hit) !== theirs.has(hit));
  for (const hit of differing.slice(0, 5)) {
    const [name = "", path = ""] = hit.split(" ");
    const bytes = files.find((file) => file.path === path)?.bytes.toString("latin1");
    console.log(`${own.has(hit) ? "only gw" : "only yara"}: ${JSON.stringify(bytes)}`);
    console.log(kept.find((rule) => rule.startsWith(`rule ${name} `)));
  }
  return { same: [...own].filter((hit) => theirs.has(hit)).length, differing: differing.length };
}

if (import.meta.main) {
  const [rounds = "5", seed = "1"] = process.argv.slice(2);
  const work = mkdtempSync(join(tmpdir(), "yara-random-"));
  let [same, differing] = [0, 0];
  for (let i = 0; i < Number(rounds); i++) {
    const outcome = await round(Number(seed) + i, work);
    same += outcome.same;
    differing += outcome.differing;
  }
  rmSync(work, { recursive: true });
  const pairs = Number(rounds) * RULES * FILES;
  console.log(`${pairs} pairs of rule and file, ${same} hits alike, ${differing} different`);
}
