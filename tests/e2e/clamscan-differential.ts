// gw against clamscan: signatures made at random from ClamAV's language, on files made so that a
// good part of them hits: plain ones, programs, and files in archives. Prints every pair on which the
// two differ. Macro groups are left out: ClamAV decides them by accident (docs/signatures.md).
//
//   bun tests/e2e/clamscan-differential.ts [batches] [seed]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { buildPe } from "../harness/pe-builder.ts";
import { Random } from "../scan/generator.ts";
import { scanningWith } from "../signature/clamav/scanning.ts";
import { buildZip } from "../unpack/build-zip.ts";

const FILES = 50;
const SIGNATURES = 400;
const SHOWN_MAX = 25;
const WORDS = ["alpha", "Bravo", "CHARL", "delta", "x-ray_1", "1234", "q.q", "h=3;", "line\n"];

type Pick = <Item>(items: readonly Item[]) => Item;

type Kind = "plain" | "program" | "archived";

interface Sample {
  readonly kind: Kind;
  /** The file. */
  readonly bytes: Buffer;
  /** The part of it, or of what it holds, that signatures are made from. */
  readonly body: Buffer;
  /** Where that lies in the object that is scanned. */
  readonly at: number;
}

class Maker {
  readonly #random: Random;
  readonly samples: Sample[] = [];

  constructor(random: Random) {
    this.#random = random;
    for (let i = 0; i < FILES; i++) this.samples.push(this.#sample());
  }

  #sample(): Sample {
    const body = this.#file();
    const kind = this.#pick<Kind>(["plain", "plain", "program", "archived"]);
    if (kind === "plain") return { kind, bytes: body, body, at: 0 };
    if (kind === "archived")
      return {
        kind,
        bytes: buildZip([{ name: "member.bin", bytes: body, method: 0 }]),
        body,
        at: 0,
      };
    const bytes = buildPe({ parts: [{ name: ".text", make: () => body, flags: 0x60000020 }] });
    return { kind, bytes, body, at: bytes.indexOf(body) };
  }

  #of(kind: Kind): Sample {
    return this.#pick(this.samples.filter((sample) => sample.kind === kind));
  }

  #below(limit: number): number {
    return this.#random.below(limit);
  }

  readonly #pick: Pick = (items) => items[this.#below(items.length)] as (typeof items)[number];

  // Enough bytes that no text has keep ClamAV from taking it for some, of which it sees other views.
  #file(): Buffer {
    const parts: Buffer[] = [Buffer.from([0, 1, 2, 3, 0x80, 0, 0xfe, 0xff])];
    parts.push(
      Buffer.from(Array.from({ length: 200 }, (_, i) => ((i * 7) % 32) | (i & 1 ? 0x80 : 0))),
    );
    for (let i = 0, count = 8 + this.#below(30); i < count; i++) {
      const word = this.#pick(WORDS);
      if (this.#below(6) === 0) parts.push(Buffer.from(word, "utf16le"));
      else parts.push(Buffer.from(word));
      const fill = Buffer.alloc(this.#below(6));
      for (let k = 0; k < fill.length; k++) fill[k] = this.#pick([0, 1, 0x20, 0x2e, 0x41, 0xff]);
      parts.push(fill);
    }
    parts.push(Buffer.from([0, 1, 2, 3, 0x80, 0, 0xfe, 0xff]));
    return Buffer.concat(parts);
  }

  /** Hex that hits at `start` of a file, more or less, and how much of the file it covers. */
  #hex(bytes: Buffer, start: number, isPlain: boolean): string {
    let text = "";
    let at = start;
    const pairs = (count: number) => {
      text += bytes.subarray(at, at + count).toString("hex");
      at += count;
    };
    pairs(3 + this.#below(4));
    for (
      let i = 0, count = isPlain ? 0 : this.#below(5);
      i < count && at + 12 < bytes.length;
      i++
    ) {
      const next = bytes.subarray(at, at + 1).toString("hex");
      const skip = 1 + this.#below(5);
      const low = Math.max(1, skip - this.#below(3));
      const high = skip + this.#below(3);
      const [unit, step] = this.#pick<readonly [string, number]>([
        ["??", 1],
        [`${next[0]}?`, 1],
        [`?${next[1]}`, 1],
        [`(${next}|ee)`, 1],
        ["!(ee|ed)", 1],
        [`{${skip}}`, skip],
        [`{${low}-${high}}`, skip],
        [`{-${high}}`, skip],
        [`{${low}-}`, skip],
        ["*", this.#below(9)],
      ]);
      text += unit;
      at += step;
      pairs(2 + this.#below(3));
    }
    return text;
  }

  /** A body subsignature. */
  #body(kind: Kind): string {
    const { body: bytes, at } = this.#of(kind);
    const start = this.#below(bytes.length - 20);
    const isPlain = this.#below(3) > 0;
    let hex = this.#hex(bytes, start, isPlain);
    const edge = this.#below(12);
    // What a class beside the edges of ::f comes to in ClamAV is an accident: no modifiers here.
    if (edge === 0) return `(${this.#pick(["B", "L", "W"])})${hex}`;
    if (edge === 1) return `${hex}(${this.#pick(["B", "L", "W"])})`;
    if (edge === 2 && start > 1) {
      hex = `${bytes.subarray(start - 2, start - 1).toString("hex")}[0-2]${hex}`;
      return hex;
    }
    const modifiers = this.#pick(["", "", "", "::i", "::f", "::wa", "::w", "::iwa"]);
    // ClamAV refuses modified negations: the modifier makes generic alternatives of them.
    if (hex.includes("!")) return hex;
    const shift = this.#below(4);
    const place = start + at;
    const offset = this.#pick([
      ...["", "", ""],
      `${Math.max(0, place - shift)},${shift}:`,
      `${place}:`,
      ...(kind === "program" ? this.#programOffsets(start, shift) : []),
      ...(kind === "plain" ? [`EOF-${bytes.length - start}:`] : []),
    ]);
    return `${offset}${hex}${modifiers}`;
  }

  // The body of a program is its only section, and its entry point the first byte of that.
  #programOffsets(start: number, shift: number): string[] {
    const low = Math.max(0, start - shift);
    return [`EP+${start}:`, `EP+${low},${shift}:`, `S0+${start}:`, `SL+${low},${shift}:`, "SE0:"];
  }

  // Matches of a pattern with gaps are counted differently (docs/signatures.md): none are here.
  #expression(count: number, isCounted: boolean): string {
    const ids = Array.from({ length: count }, (_, i) => i);
    const tests = isCounted ? ["", "", "", "", ">1", "=1", "<3", "=0", "=2"] : ["", "", "=0"];
    const sums = isCounted ? ["", ">1", "=2", ">2,2", "=0", "<4"] : ["", "", "=0", ">0,2"];
    const leaf = (id: number) => `${id}${this.#pick(tests)}`;
    let text = leaf(ids[0] ?? 0);
    for (const id of ids.slice(1)) {
      const operator = this.#pick(["&", "|"]);
      text += `${operator}${leaf(id)}`;
      if (this.#below(3) === 0) {
        text = `(${text})${this.#pick(sums)}`;
      }
    }
    return text;
  }

  /** What a signature says of its objects; hits may be wanted or not. */
  #attributes(kind: Kind): string {
    if (kind === "archived") {
      const container = this.#pick(["CL_TYPE_ZIP", "CL_TYPE_ZIP", "CL_TYPE_RAR"]);
      return `Engine:81-255,Container:${container},Target:0`;
    }
    if (kind === "plain") return "Engine:81-255,Target:0";
    const more = this.#pick(["", "", ",NumberOfSections:1-3", ",NumberOfSections:2-3"]);
    return `Engine:81-255,Target:1${more}`;
  }

  logical(name: string): string {
    const kind = this.#pick<Kind>(["plain", "plain", "program", "archived"]);
    const count = 1 + this.#below(4);
    const subs = Array.from({ length: count }, () => this.#body(kind));
    const isCounted = !subs.some((sub) => /[*{[]/.test(sub));
    const expression = this.#expression(count, isCounted);
    const head = `${name};${this.#attributes(kind)}`;
    switch (this.#below(6)) {
      case 0: {
        const word = this.#pick(["al.ha", "b[r]avo", "(\\d)\\d", "q\\.q", "d.l?t", "[a-c]h"]);
        subs.push(`0/${word}/${this.#pick(["", "i", "g", "s", "gi"])}`);
        break;
      }
      case 1:
        // ClamAV never compares for a target of its own (docs/signatures.md).
        if (kind === "program") return `${head};${expression};${subs.join(";")}`;
        subs.push(this.#comparison());
        break;
      default:
        return `${head};${expression};${subs.join(";")}`;
    }
    const wanted = head.replace("Engine:81", "Engine:100");
    return `${wanted};${count}&(${expression});${subs.join(";")}`;
  }

  #comparison(): string {
    const order = this.#pick(["l", "b"]);
    const [size, limit] = this.#pick([
      [1, 60],
      [2, 20_000],
      [4, 1_000_000],
    ] as const);
    return `0(>>${this.#below(8)}#i${order}${size}#>${limit})`;
  }
}

type Found = Map<string, Set<string>>;

/** What one process of clamscan finds: names by file; a text if it fails. */
function clamscan(folder: string, database: string): Found | string {
  const answer = Bun.spawnSync(
    [
      "clamscan",
      "--allmatch",
      "--no-summary",
      "--stdout",
      "--normalize=no",
      "-d",
      database,
      folder,
    ],
    { stdout: "pipe", stderr: "pipe" },
  );
  if (answer.exitCode !== 0 && answer.exitCode !== 1) {
    return `${answer.exitCode ?? answer.signalCode} ${answer.stderr.toString().slice(0, 200)}`;
  }
  const found: Found = new Map();
  for (const line of answer.stdout.toString().split("\n")) {
    const [, path = "", name = ""] = /^(.*): (.*)\.UNOFFICIAL FOUND$/.exec(line) ?? [];
    if (name === "") continue;
    const file = basename(path);
    found.set(file, (found.get(file) ?? new Set()).add(name));
  }
  return found;
}

/** Halves the signatures until those that clamscan refuses, or crashes on, stand alone. */
function clamscanAll(folder: string, lines: readonly string[], tally: Tally): Found {
  const all: Found = new Map();
  const open = [lines];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const database = join(folder, "part.ldb");
    writeFileSync(database, `${part.join("\n")}\n`);
    const found = clamscan(join(folder, "samples"), database);
    if (typeof found !== "string") {
      for (const [file, names] of found) {
        all.set(file, (all.get(file) ?? new Set()).union(names));
      }
    } else if (part.length > 1) {
      const half = part.length >> 1;
      open.push(part.slice(0, half), part.slice(half));
    } else {
      tally.fatal.push(`${found}: ${part[0]}`);
      tally.dead.add(part[0] ?? "");
    }
  }
  return all;
}

interface Tally {
  pairs: number;
  hits: number;
  signatures: number;
  refused: number;
  /** Why gw refused them, and how often. */
  reasons: Map<string, number>;
  differences: string[];
  /** What clamscan did not survive or take, and the lines. */
  fatal: string[];
  dead: Set<string>;
}

async function batch(random: Random, folder: string, tally: Tally): Promise<void> {
  const maker = new Maker(random);
  const samples = join(folder, "samples");
  mkdirSync(samples, { recursive: true });
  for (const [i, { bytes }] of maker.samples.entries())
    writeFileSync(join(samples, `f${i}`), bytes);
  const lines = Array.from({ length: SIGNATURES }, (_, i) => maker.logical(`s${i}`));
  const scanning = await scanningWith([
    { path: "all.ldb", bytes: Buffer.from(lines.join("\n"), "latin1") },
  ]);
  const wrong = scanning.diagnostics.map(({ message }) => [message, 1] as const);
  for (const [reason, count] of [...wrong, ...scanning.skipped]) {
    tally.reasons.set(reason, (tally.reasons.get(reason) ?? 0) + count);
  }
  const theirs = clamscanAll(folder, lines, tally);
  const known = new Set(scanning.names);
  tally.signatures += lines.length;
  tally.refused += lines.length - known.size;
  maker.samples.forEach(({ bytes }, i) => {
    const ours = new Set(scanning.scan(bytes).names);
    const other = theirs.get(`f${i}`) ?? new Set();
    lines.forEach((line, n) => {
      const name = `s${n}`;
      if (!known.has(name) || tally.dead.has(line)) return;
      tally.pairs++;
      if (other.has(name)) tally.hits++;
      if (ours.has(name) === other.has(name)) return;
      const who = ours.has(name) ? "gw alone" : "clamscan alone";
      tally.differences.push(`${who}: ${line}\n    on ${bytes.toString("hex")}`);
    });
  });
}

const [batches = "5", seed = "1"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "gw-differential-"));
const tally: Tally = {
  ...{ pairs: 0, hits: 0, signatures: 0, refused: 0 },
  ...{ differences: [], fatal: [], dead: new Set(), reasons: new Map() },
};
try {
  for (let i = 0; i < Number(batches); i++) {
    await batch(new Random(Number(seed) * 1000 + i), folder, tally);
  }
} finally {
  rmSync(folder, { recursive: true });
}
for (const [reason, count] of tally.reasons) console.log(`gw refuses ${count}: ${reason}`);
for (const fatal of tally.fatal.slice(0, 5)) console.log(`clamscan fails: ${fatal}`);
for (const difference of tally.differences.slice(0, SHOWN_MAX)) console.log(difference);
console.log(
  `${tally.pairs} pairs of ${tally.signatures} signatures (${tally.refused} refused by gw), ` +
    `${tally.hits} hits, ${tally.differences.length} differences, ` +
    `${tally.fatal.length} signatures that clamscan fails on`,
);
