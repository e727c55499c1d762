// Real bytes of this machine for the engine's benchmark: programs and text to scan, and signatures cut
// from other files than those.
import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { Random } from "../../scan/generator.ts";

/** What is scanned, by kind. */
export type Data = Readonly<Record<"binary" | "text" | "random" | "base64", Uint8Array>>;

const PROGRAMS = ["/usr/bin/*", "/usr/lib/x86_64-linux-gnu/**/*.so*", "/usr/lib/**/*.so"];
const TEXTS = ["html", "js", "py", "pl", "xml", "json", "md", "css", "php", "txt"].flatMap(
  (kind) => [`/usr/share/**/*.${kind}`, `/usr/lib/**/*.${kind}`, `node_modules/**/*.${kind}`],
);
const FILES_MAX = 40_000;
const FILE_MAX = 4 << 20;
const FILE_MIN = 2048;
const POOL_SIZE = 48 << 20;
const LITERAL_MIN = 12;
const LITERAL_MAX = 60;
/** Different bytes that a signature has at least: runs of zeros and spaces are none. */
const VARIETY_MIN = 6;

/** A part of all names: what is scanned and what signatures are cut from are different files. */
const isForScan = (path: string) => (createHash("md5").update(path).digest()[0] ?? 0) % 2 === 0;

function gather(patterns: readonly string[], size: number, isScan: boolean): Buffer {
  const parts: Buffer[] = [];
  let total = 0;
  let files = 0;
  const seen = new Set<string>();
  for (const pattern of patterns) {
    for (const path of globSync(pattern)) {
      if (total >= size || files++ > FILES_MAX) break;
      if (seen.has(path) || isForScan(path.split("/").at(-1) ?? "") !== isScan) continue;
      seen.add(path);
      const entry = statSync(path, { throwIfNoEntry: false });
      if (entry?.isFile() !== true || entry.size < FILE_MIN || entry.size > FILE_MAX) continue;
      const bytes = readFileSync(path);
      parts.push(bytes);
      total += bytes.length;
    }
  }
  const all = Buffer.concat(parts);
  if (all.length === 0) throw new Error(`no files of this machine fit ${patterns.join(" ")}`);
  // A small machine has less: then what is there comes again.
  const whole = Buffer.alloc(size);
  for (let at = 0; at < size; at += all.length) all.copy(whole, at);
  return whole;
}

/** `size` bytes of each kind. */
export function readData(size: number): Data {
  const random = new Random(11);
  const noise = random.bytes(1 << 20, [...Array(256).keys()]);
  const whole = Buffer.alloc(size);
  for (let at = 0; at < size; at += noise.length) {
    Buffer.from(noise).copy(whole, at);
    // Each round is another one.
    for (let i = 0; i < noise.length; i++) noise[i] = ((noise[i] ?? 0) * 167 + 13) & 255;
  }
  const lines = whole.toString("base64").replace(/.{76}/g, "$&\r\n");
  return {
    binary: gather(PROGRAMS, size, true),
    text: gather(TEXTS, size, true),
    random: whole,
    base64: Buffer.from(lines.slice(0, size), "latin1"),
  };
}

/** Literals of 12 to 60 bytes: a little more than half of programs, the rest of text. */
export function cutLiterals(count: number): Buffer[] {
  const random = new Random(12);
  const programs = gather(PROGRAMS, POOL_SIZE, false);
  const texts = gather(TEXTS, POOL_SIZE, false);
  const known = new Set<string>();
  const literals: Buffer[] = [];
  while (literals.length < count) {
    const pool = random.below(100) < 55 ? programs : texts;
    const length = LITERAL_MIN + random.below(LITERAL_MAX - LITERAL_MIN + 1);
    const start = random.below(pool.length - length);
    const literal = pool.subarray(start, start + length);
    if (new Set(literal).size < VARIETY_MIN) continue;
    const key = literal.toString("latin1");
    if (known.has(key)) continue;
    known.add(key);
    literals.push(literal);
  }
  return literals;
}
