// A made-up signature set: body signatures and hashes, the same ones in clamd's formats (.ndb, .hdb)
// and in gw's (.gws), plus EICAR. The bodies are cut from programs and scripts of this machine and
// then changed, so that their bytes are as common as those of real ones, and match nothing.
import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { eicarFile, noise, pick, type Random, seededRandom } from "../../harness/sample-mail.ts";

/** How many signatures of each kind. */
export interface SetSize {
  readonly bodies: number;
  readonly hashes: number;
}

const SOURCE_FILES_MAX = 300;
const SOURCE_BYTES_MAX = 300_000;
const SOURCE_SIZE_MIN = 4_000;
/** Different bytes that a cut must have: runs of zeros and spaces are no signatures. */
const VARIETY_MIN = 8;

/** Targets as both scanners call them, and how often each comes. */
const TARGET_SHARES = [
  { upTo: 0.55, clamd: 1, gw: "pe", isText: false },
  { upTo: 0.7, clamd: 0, gw: "any", isText: false },
  { upTo: 0.85, clamd: 3, gw: "html", isText: true },
  { upTo: 0.95, clamd: 7, gw: "text", isText: true },
  { upTo: 1, clamd: 4, gw: "mail", isText: true },
] as const;

/** Lines of one kind of signature, for clamd and for gw. */
interface Lines {
  readonly clamd: string[];
  readonly gw: string[];
}

function readPool(pattern: string): Buffer[] {
  const files = globSync(pattern).sort();
  const pool: Buffer[] = [];
  for (const file of files) {
    if (pool.length >= SOURCE_FILES_MAX) break;
    const entry = statSync(file, { throwIfNoEntry: false });
    if (entry?.isFile() !== true || entry.size < SOURCE_SIZE_MIN) continue;
    pool.push(readFileSync(file).subarray(0, SOURCE_BYTES_MAX));
  }
  return pool;
}

function cut(random: Random, pool: readonly Buffer[], size: number): Buffer {
  for (;;) {
    const source = pool[pick(random, pool.length)] ?? noise(random, SOURCE_SIZE_MIN);
    const start = pick(random, source.length - size);
    const piece = Buffer.from(source.subarray(start, start + size));
    if (new Set(piece).size < VARIETY_MIN) continue;
    for (let changes = 3; changes > 0; changes--) {
      const place = pick(random, size);
      piece[place] = (piece[place] ?? 0) ^ (1 + pick(random, 255));
    }
    return piece;
  }
}

// A quarter of the signatures has single wildcards, a seventh a bounded gap, a seventh an open one.
function withWildcards(random: Random, hex: string): string {
  const at = 16 + 2 * pick(random, hex.length / 2 - 16);
  const [head, tail] = [hex.slice(0, at), hex.slice(at)];
  const kind = random();
  if (kind < 0.25) return `${head}${"??".repeat(1 + pick(random, 3))}${tail}`;
  if (kind < 0.4) return `${head}{${1 + pick(random, 7)}-${9 + pick(random, 50)}}${tail}`;
  return kind < 0.55 ? `${head}*${tail}` : hex;
}

function bodySignatures(random: Random, count: number): Lines {
  const programs = readPool("/usr/bin/*");
  const scripts = readPool("/usr/{lib/python3,share/perl}*/**/*.{py,pm}");
  const eicar = eicarFile().toString("hex");
  const lines: Lines = {
    clamd: [`Eicar-Test-Signature:0:0:${eicar}`],
    gw: ["signature Bench.Eicar", `hex $a ${eicar} at 0`, "end"],
  };
  for (let i = 0; i < count; i++) {
    const share = random();
    const kind = TARGET_SHARES.find((one) => share < one.upTo) ?? TARGET_SHARES[0];
    const piece = cut(random, kind.isText ? scripts : programs, 20 + pick(random, 60));
    // gw knows no place "from the entry point": it has to look for these everywhere.
    const place = kind.clamd === 1 && random() < 0.3 ? `EP+${pick(random, 64)}` : "*";
    const hex = withWildcards(random, piece.toString("hex"));
    lines.clamd.push(`Bench.Body-${i}:${kind.clamd}:${place}:${hex}`);
    lines.gw.push(`signature Bench.Body-${i}`, `target ${kind.gw}`, `hex $a ${hex}`, "end");
  }
  return lines;
}

function hashSignatures(random: Random, count: number): Lines {
  const eicar = eicarFile();
  const md5 = createHash("md5").update(eicar).digest("hex");
  const lines: Lines = { clamd: [`${md5}:${eicar.length}:Eicar-Test-Signature`], gw: [] };
  for (let i = 0; i < count; i++) {
    // Sizes spread as those of real files do: mostly tens of kilobytes, some very large.
    const size = Math.floor(Math.exp(7 + 8 * random()));
    const digest = noise(random, 16).toString("hex");
    lines.clamd.push(`${digest}:${size}:Bench.Hash-${i}`);
    lines.gw.push(`signature Bench.Hash-${i}`, `md5 "${digest}" size ${size}`, "end");
  }
  return lines;
}

/** Folders that hold the same set, one for each scanner's format. */
export interface SignatureFolders {
  readonly clamd: string;
  readonly gw: string;
}

/** Writes the set below a folder, unless it is there already. */
export function provideSignatureSet(folder: string, size: SetSize): SignatureFolders {
  const folders = { clamd: join(folder, "clamd"), gw: join(folder, "gw") };
  const done = join(folder, `done-${size.bodies}-${size.hashes}`);
  if (existsSync(done)) return folders;
  rmSync(folder, { recursive: true, force: true });
  for (const one of Object.values(folders)) mkdirSync(one, { recursive: true });
  const random = seededRandom(42);
  const bodies = bodySignatures(random, size.bodies);
  const hashes = hashSignatures(random, size.hashes);
  const write = (file: string, lines: readonly string[]) =>
    writeFileSync(file, `${lines.join("\n")}\n`);
  write(join(folders.clamd, "bench.ndb"), bodies.clamd);
  write(join(folders.clamd, "bench.hdb"), hashes.clamd);
  write(join(folders.gw, "bench.gws"), [...bodies.gw, ...hashes.gw]);
  writeFileSync(done, "");
  return folders;
}
